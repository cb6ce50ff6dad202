#!/bin/sh
# Runs three engines on one PostgreSQL, on one machine: three-engines.sh DATABASE-URL FOLDER. They listen at 127.0.0.1, at
# the ports in $PORTS. Each has a data folder below FOLDER, named by its port, with the same secret.key. The first one
# also runs $HOSTS simulated hosts. Ctrl-C or SIGTERM ends the script and the engines.
set -eu
umask 077
database=$1 folder=$2 first= engines=

case $database in
postgresql://*) ;;
*)
    echo "three-engines.sh: '$database' is no database that engines can share: give postgresql://USER:PASSWORD@HOST/NAME" >&2
    exit 2
    ;;
esac

trap 'kill $engines 2>/dev/null || true; wait' EXIT
trap 'exit 0' INT TERM

for port in ${PORTS:-8441 8442 8443}; do
    data=$folder/$port
    mkdir -p -m 700 "$folder" "$data"
    options="--simulated-hosts ${HOSTS:-6}"
    if [ -n "$first" ]; then
        options=
        cp -p "$first/secret.key" "$data/"
    fi
    # shellcheck disable=SC2086 # options are several words
    netweft serve --data "$data" --database "$database" --listen "127.0.0.1:$port" $options &
    engines="$engines $!"
    echo $! >"$data/pid"
    if [ -z "$first" ]; then # it makes the keys, the tables and the first user
        first=$data
        NETWEFT_URL=https://127.0.0.1:$port NETWEFT_CA=$first/ca.pem NETWEFT_PASSWORD_FILE=$first/admin-password netweft wait
    fi
done
wait

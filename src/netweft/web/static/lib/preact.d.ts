// The types of what lib/preact.js gives. For `make pagetypes`; no browser reads them.
import type { VNode } from 'preact';
import type { ReadonlySignal, Signal } from '@preact/signals';

export type { ReadonlySignal, Signal, VNode };
export { h, render } from 'preact';
export { useEffect, useId, useLayoutEffect, useState } from 'preact/hooks';
export { batch, computed, effect, signal, useComputed } from '@preact/signals';
export declare const html: (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** Of an element: it is there once the component is shown. */
export declare function useRef<T extends Element>(): { current: T };
export declare function useRef<T>(initial: T): { current: T };

/** A signal that is null as long as nothing of the kind is shown; who reads it, is shown only when it is not. */
export type Shown<T> = { get value(): T; set value(next: T | null) };

/** The shapes of the HTTP API that the dashboard uses. Keys may hold slashes, spaces and any letters. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Tenant = { key: string; name?: string | null };

export type Environment = { key: string; name?: string | null; protected?: boolean | null };

export type FlagState = 'ENABLED' | 'DISABLED';

/** What a flag does in one environment. */
export type Settings = {
  state: FlagState;
  defaultVariant: string | null;
  targeting: Json;
  kill: boolean;
  reason?: string | null;
  /** Values that differ from the flag's own here. */
  variants?: Record<string, Json> | null;
};

/** A fault of a stored flag: it was imported, or what it refers to has gone. A warning is told, no more. */
export type FlagProblem = {
  path?: string;
  code: string;
  message: string;
  hint?: string;
  environment?: string;
  severity?: 'warning';
};

export type Flag = {
  key: string;
  name?: string | null;
  description?: string | null;
  tags?: string[] | null;
  metadata?: Record<string, Json> | null;
  variants: Record<string, Json>;
  environments: Record<string, Settings>;
  problems: FlagProblem[];
};

export type NewFlag = Pick<Flag, 'key' | 'name' | 'description' | 'tags' | 'variants'>;

export type Page<Item> = { items: Item[]; nextCursor?: string | null };

/** `path` is a JSON Pointer into what was sent. */
export type FieldError = { path: string; code: string; message: string; hint?: string };

/** A problem document (RFC 9457). */
export type Problem = { type?: string; title: string; status: number; code: string; detail?: string; errors?: FieldError[] };

export type Evaluation =
  | { key: string; value: Json; variant?: string; reason: string; metadata?: Record<string, Json> }
  | { key: string; errorCode: string; errorDetails?: string };

export type Register = { kind: string; key: string; environment?: string | null; field?: string | null };

export type ChangeEvent = { register: Register; op: 'put' | 'delete' | 'expire'; stamp: string; actor?: string; change?: string };

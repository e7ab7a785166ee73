/** One thing that the doctor looked at: what it saw, and how to mend it when it is not as it must be. */
export type Finding = { name: string; ok: boolean; detail: string; mend?: string };

export const finding = (name: string, ok: boolean, detail: string, mend: string): Finding =>
  ok ? { name, ok, detail } : { name, ok, detail, mend };

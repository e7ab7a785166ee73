export type Shop = {
  name: string;
  /** IANA name, like `Europe/Berlin`. */
  timeZone: string;
};

export type Sale = { at: string; cents: number };

/** `2026-03-08` */
export type Day = string;

import { type Locale, translate } from '../i18n/translate.ts';

export type Seat = { row: number; number: number };

export const seatText = (locale: Locale, seat: Seat): string => translate(locale, 'seat', seat);

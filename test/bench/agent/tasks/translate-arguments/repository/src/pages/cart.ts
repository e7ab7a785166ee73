import { money } from '../format/money.ts';
import { type Seat, seatText } from '../format/seat.ts';
import { type Locale, translate as t } from '../i18n/translate.ts';

export const cartPage = (locale: Locale, seats: readonly Seat[], cents: number): string => {
  if (seats.length === 0) return t('cart.empty', locale);
  return [
    t('cart.title', locale, { count: seats.length }),
    ...seats.map((seat) => `- ${seatText(locale, seat)}`),
    t('cart.total', locale, {
      amount: money(locale, cents),
    }),
  ].join('\n');
};

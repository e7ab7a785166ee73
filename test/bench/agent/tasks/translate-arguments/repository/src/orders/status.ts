import { type Locale, translate } from '../i18n/translate.ts';

type Status = 'paid' | 'open';

const labels = { paid: ['status.paid'], open: ['status.open'] } as const;

export const statusText = (locale: Locale, status: Status): string => translate.apply(null, [...labels[status], locale]);

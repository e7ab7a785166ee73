import { readFileSync } from 'node:fs';
import { translate } from '../src/i18n/translate.ts';
import { cartPage } from '../src/pages/cart.ts';
import { navigation } from '../src/pages/navigation.ts';
import { render } from '../src/template.ts';

const locale = process.argv[2] ?? 'en';
const footer = readFileSync(new URL('../templates/footer.html', import.meta.url), 'utf8');
console.log(translate(locale, 'mail.hello', { name: 'Ada' }));
console.log(navigation(locale));
console.log(cartPage(locale, [{ row: 1, number: 2 }], 1250));
console.log(render(footer, { locale, brand: 'Ticket desk' }).trim());

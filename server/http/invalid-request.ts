import { AppError } from '../domain/errors.ts';

export type FieldError = { field: string; message: string };

/** A request whose fields are wrong, with every wrong field at once. */
export class InvalidRequest extends AppError {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    super('invalid_request', errors.map(({ field, message }) => `${field} ${message}`).join('; '), {
      whatToDo: 'Mend the fields listed in «errors» and send the request again.',
    });
    this.name = 'InvalidRequest';
    this.errors = errors;
  }
}

/** The service in override.yml, by the name that it has at the composition's network. */
export const host = 'far-ends';

/** override.yml names them, too. */
export const ports = { forge: 9101, model: 9102, outcome: 9103 };

export const repositoryName = 'acme/page-turners';

/** On the loopback interface that the far ends share with the server; override.yml names them, too. */
export const ports = { forge: 9101, model: 9102, outcome: 9103 };

export const repositoryName = 'acme/page-turners';

/**
 * Marks the options of a dispatch that is in the books already: calls of transport's and the gateway's own. Options are copied by spreading on
 * their way down undici's layers, and symbols with them; dispatchers ignore it. By `Symbol.for`, so that two copies of Assay in one process agree.
 */
export const IN_THE_BOOKS: unique symbol = Symbol.for('assay.in-the-books') as never;

/** To be spread into undici's request or dispatch options. */
export const inTheBooks: Readonly<Record<symbol, true>> = { [IN_THE_BOOKS]: true };

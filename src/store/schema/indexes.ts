/** Indexes of the tables before. Part of one step of the migrations. */
export const indexesSchema = ''

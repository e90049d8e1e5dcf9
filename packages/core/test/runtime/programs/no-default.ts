export const program = 1;

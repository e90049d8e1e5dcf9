export default { main: (): number => 1 };

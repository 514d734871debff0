/** Bugs of peers that cannot exist here, by their number, with the reason. Every other one has a test in this folder. */
export const NOT_APPLICABLE: Readonly<Record<string, string>> = {}

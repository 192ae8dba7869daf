/** Name for the audit log when none was given. */
export const userName = (): string => process.env['USER'] ?? process.env['LOGNAME'] ?? process.env['USERNAME'] ?? 'unknown';

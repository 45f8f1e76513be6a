/**
 * What routes that ask for something need in their query strings, for tests that ask every route that reads.
 */
export const neededQueries: Readonly<Record<string, string>> = {
  '/v1/diff': '?from=0',
  '/v1/first-difference': '?key=a.text&from=0',
  '/v1/costs': '?from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z',
  '/v1/costs/restatement': '?since=0',
  '/v1/resolve': '?tier=2&user=u&receipt=true',
  '/v1/receipts/:revision/:at/:hash': '?key=a.text',
};

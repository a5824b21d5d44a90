// What the page and the worker say to each other, as playground.py writes it.

export interface Question {
  id: number;
  name: string;
  text: string;
  /** The width of the panel, in characters. */
  columns: number;
}

export interface Finding {
  code: string;
  name: string;
  level: "error" | "warning" | "advice";
  message: string;
  /** The message's first clause, and the rest. */
  headline: string;
  details: string;
  fix: { applicability: "safe" | "unsafe"; message: string } | null;
  url: string;
  cell: number | null;
  /** First line and column, last line and column; from 1, the end exclusive. */
  region: [number, number, number, number];
}

export interface Report {
  findings: Finding[];
  fixed: string;
  inspected: string;
  unread: { path: string; limit: string; detail: string }[];
}

/** Python runs, and the first text is next. */
export type Started = { id: 0 };

export type Answer = { id: number; report: Report; failure?: undefined } | { id: number; failure: string; report?: undefined };

// The page: an editor, the findings in it and beside it, the fixed text, and what `inspect` says.
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { Compartment, EditorState, type Extension, type Text } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

import { fileIn, fragmentOf } from "./link.js";
import type { Answer, Finding, Question, Report, Started } from "./messages.js";

const PAUSE = 150; // milliseconds without a keystroke before the text is linted
const PATIENCE = 30_000; // milliseconds for one text; how long the start takes is up to the network
// Of the panel with what inspect prints, in pixels.
const CHARACTER = 7.6;
const PADDING = 24;

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const status = element("status");
const nameField = element<HTMLInputElement>("name");
const findingsPanel = element("findings");
const fixedPanel = element("fixed");
const inspectedPanel = element("inspected");
const language = new Compartment();

function languageOf(name: string): Extension {
  if (/\.ya?ml$/i.test(name)) return yaml();
  if (/\.(json|ipynb)$/i.test(name)) return json();
  if (/\.toml$/i.test(name)) return StreamLanguage.define(toml);
  return python();
}

// The colours of style.css, which are those of the light or the dark page.
const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.keyword, color: "var(--keyword)" },
    { tag: [tags.string, tags.special(tags.string)], color: "var(--string)" },
    { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--number)" },
    { tag: tags.comment, color: "var(--quiet)" },
  ]),
);

const editor = new EditorView({
  parent: element("editor"),
  state: EditorState.create({
    extensions: [
      basicSetup,
      language.of(python()),
      colours,
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": "Text to lint" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) soon();
      }),
    ],
  }),
});

// The worker: one question at a time is of interest, the last.

let worker: Worker | undefined;
let starting = false;
let asked = 0;
let begun = 0;
let pause: number | undefined;
let alarm: number | undefined;

function soon(): void {
  window.clearTimeout(pause);
  pause = window.setTimeout(ask, PAUSE);
}

function ask(): void {
  if (worker === undefined) {
    worker = new Worker("worker.js", { type: "module" });
    worker.onmessage = (event: MessageEvent<Answer | Started>) => {
      if (event.data.id === 0) {
        watch();
      } else {
        answered(event.data as Answer);
      }
    };
    worker.onerror = () => failed("lora-lint could not start in this browser.");
    status.textContent = "Starting Python …";
    starting = true;
  } else if (!starting) {
    watch();
  }
  const columns = Math.floor((element("report").clientWidth - PADDING) / CHARACTER);
  const question: Question = { id: ++asked, name: nameField.value, text: editor.state.doc.toString(), columns };
  status.dataset["asked"] = String(asked);
  worker.postMessage(question);
}

/** From now on the text has its time. */
function watch(): void {
  starting = false;
  status.textContent = "Linting …";
  begun = performance.now();
  window.clearTimeout(alarm);
  alarm = window.setTimeout(() => failed("This takes too long, and was stopped."), PATIENCE);
}

function failed(message: string): void {
  window.clearTimeout(alarm);
  worker?.terminate();
  worker = undefined;
  status.textContent = message;
}

function answered(answer: Answer): void {
  if (answer.id !== asked) return;
  window.clearTimeout(alarm);
  if (answer.failure !== undefined) {
    failed(`lora-lint failed: ${answer.failure.trim().split("\n").at(-1)}`);
    return;
  }
  const seconds = (performance.now() - begun) / 1000;
  status.textContent = `${counted(answer.report.findings.length)} in ${seconds.toFixed(2)} s`;
  status.dataset["linted"] = String(answer.id);
  show(answer.report);
}

function counted(count: number): string {
  return count === 1 ? "1 finding" : `${count || "no"} findings`;
}

// What is shown.

function show(report: Report): void {
  const text = editor.state.doc;
  editor.dispatch(setDiagnostics(editor.state, report.findings.map((each) => diagnosticOf(each, text))));
  findingsPanel.replaceChildren(...report.findings.map(entryOf));
  if (report.findings.length === 0) {
    findingsPanel.append(paragraph("No findings."));
  }
  for (const each of report.unread) {
    findingsPanel.append(paragraph(`Not read: ${each.detail}`));
  }
  inspectedPanel.textContent = report.inspected;
  showFixed(text.toString(), report.fixed);
}

function offset(text: Text, line: number, column: number): number {
  const at = text.line(Math.min(Math.max(line, 1), text.lines));
  return Math.min(at.from + column - 1, at.to);
}

function diagnosticOf(finding: Finding, text: Text): Diagnostic {
  const [line, column, endLine, endColumn] = finding.region;
  const from = offset(text, line, column);
  const severity = finding.level === "advice" ? "info" : finding.level;
  const to = Math.max(from, offset(text, endLine, endColumn));
  return { from, to, severity, source: finding.code, message: `${finding.name}: ${finding.message}` };
}

function entryOf(finding: Finding): HTMLElement {
  const entry = document.createElement("article");
  entry.className = finding.level;
  const head = document.createElement("button");
  const [line, column] = finding.region;
  head.textContent = `${finding.code} ${finding.name}, line ${line}`;
  head.onclick = () => {
    editor.dispatch({ selection: { anchor: offset(editor.state.doc, line, column) }, scrollIntoView: true });
    editor.focus();
  };
  const headline = paragraph(finding.headline);
  headline.className = "headline";
  entry.append(head, headline);
  if (finding.details !== "") entry.append(paragraph(finding.details));
  if (finding.fix !== null) {
    entry.append(paragraph(`Fix${finding.fix.applicability === "unsafe" ? " (changes what is trained)" : ""}: ${finding.fix.message}`));
  }
  const more = document.createElement("a");
  more.href = finding.url;
  more.target = "_blank";
  more.rel = "noopener";
  more.textContent = `More about ${finding.code}`;
  entry.append(more);
  return entry;
}

/** A paragraph; what stands between backticks is code. */
function paragraph(text: string): HTMLElement {
  const made = document.createElement("p");
  made.append(
    ...text.split("`").map((part, index) => {
      if (index % 2 === 0) return part;
      const code = document.createElement("code");
      code.textContent = part;
      return code;
    }),
  );
  return made;
}

let fixedView: EditorView | undefined;

function showFixed(text: string, fixed: string): void {
  fixedView?.destroy();
  fixedView = undefined;
  fixedPanel.replaceChildren();
  if (fixed === text) {
    fixedPanel.append(paragraph("No finding here has a fix."));
    return;
  }
  const use = document.createElement("button");
  use.textContent = "Use this text";
  use.onclick = () => open(nameField.value, fixed);
  fixedPanel.append(use);
  fixedView = new EditorView({
    parent: fixedPanel,
    doc: fixed,
    extensions: [
      basicSetup,
      languageOf(nameField.value),
      colours,
      EditorView.lineWrapping,
      EditorState.readOnly.of(true),
      unifiedMergeView({ original: text, mergeControls: false, collapseUnchanged: { margin: 3, minSize: 6 } }),
    ],
  });
}

// Where texts come from.

function open(name: string, text: string): void {
  nameField.value = name;
  editor.dispatch({
    changes: { from: 0, to: editor.state.doc.length, insert: text },
    effects: language.reconfigure(languageOf(name)),
  });
  window.clearTimeout(pause);
  ask();
}

nameField.onchange = () => open(nameField.value, editor.state.doc.toString());
document.ondragover = (event) => event.preventDefault();
document.ondrop = async (event) => {
  const file = event.dataTransfer?.files[0];
  if (file === undefined) return;
  event.preventDefault();
  open(file.name, await file.text());
};
element("share").onclick = async () => {
  const fragment = await fragmentOf(nameField.value, editor.state.doc.toString());
  history.replaceState(null, "", fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    status.textContent = "The link is on the clipboard; it holds the text.";
  } catch {
    status.textContent = "The address of this page now holds the text.";
  }
};

for (const tab of document.querySelectorAll<HTMLButtonElement>("[data-panel]")) {
  tab.onclick = () => {
    for (const other of document.querySelectorAll<HTMLButtonElement>("[data-panel]")) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      element(other.dataset["panel"]!).hidden = !chosen;
    }
  };
}

const examples = (await (await fetch("examples.json")).json()) as Record<string, string>;
const choice = element<HTMLSelectElement>("example");
choice.append(...Object.keys(examples).map((name) => new Option(name)));
choice.onchange = () => open(choice.value, examples[choice.value]!);
const given = await fileIn(location.hash);
const first = Object.keys(examples)[0]!;
if (given !== undefined) choice.selectedIndex = -1;
open(given?.name ?? first, given?.text ?? examples[first]!);

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import * as vscode from 'vscode';
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';

import { inspectPage, problemPage, reportPage } from './pages';
import { firstThatAnswers, run } from './run';
import { candidates, type Command } from './server';

const LANGUAGES = ['python', 'yaml', 'json', 'jsonc', 'toml', 'shellscript', 'makefile', 'dockerfile'];
const INSPECT = 'lora-lint.inspect';
const IGNORE = 'lora-lint.ignore';
const INSTALL = 'pip install "lora-lint[lsp]"';

let client: LanguageClient | undefined;
let command: Command | undefined;
let panel: vscode.WebviewPanel | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
    const log = vscode.window.createOutputChannel('lora-lint', { log: true });
    const restart = async (): Promise<void> => {
        await client?.stop();
        client = undefined;
        await start(context, log);
    };
    context.subscriptions.push(
        log,
        vscode.commands.registerCommand('lora-lint.restart', restart),
        vscode.commands.registerCommand('lora-lint.inspectFile', () => {
            const uri = vscode.window.activeTextEditor?.document.uri;
            return uri && vscode.commands.executeCommand(INSPECT, uri.toString());
        }),
        vscode.commands.registerCommand('lora-lint.verifyFile', () => verify(log)),
        vscode.commands.registerCommand('lora-lint.askForReason', askForReason),
        vscode.workspace.onDidChangeConfiguration(event => {
            if (['path', 'interpreter'].some(each => event.affectsConfiguration(`lora-lint.${each}`))) {
                void restart();
            }
        }),
    );
    await start(context, log);
}

export async function deactivate(): Promise<void> {
    await client?.stop();
}

async function start(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<void> {
    const folder = vscode.workspace.workspaceFolders?.[0];
    const settings = vscode.workspace.getConfiguration('lora-lint', folder);
    const bundled = path.join(context.extensionPath, 'bundled');
    const found = candidates({
        path: settings.get('path', ''),
        interpreter: settings.get('interpreter', ''),
        selected: await selectedInterpreter(folder?.uri),
        folder: folder?.uri.fsPath,
        bundled: fs.existsSync(bundled) ? bundled : undefined,
        platform: process.platform,
    });
    command = await firstThatAnswers(found, folder?.uri.fsPath);
    if (command === undefined) {
        log.error(`lora-lint was not found with ${found.map(each => each.command).join(', ')}`);
        const choice = await vscode.window.showWarningMessage(
            `lora-lint is not installed where VS Code looks for it: ${INSTALL}, or set lora-lint.path.`,
            'Open settings',
        );
        if (choice !== undefined) {
            await vscode.commands.executeCommand('workbench.action.openSettings', 'lora-lint');
        }
        return;
    }
    log.info(`starting ${[command.command, ...command.args].join(' ')}`);
    const server: ServerOptions = {
        command: command.command,
        args: [...command.args, 'server'],
        options: { env: { ...process.env, ...command.env } },
    };
    const options: LanguageClientOptions = {
        documentSelector: [
            ...LANGUAGES.flatMap(language => ['file', 'untitled'].map(scheme => ({ language, scheme }))),
            { notebook: 'jupyter-notebook', language: 'python' },
        ],
        initializationOptions: { asksForReasons: true },
        synchronize: {
            configurationSection: 'lora-lint',
            fileEvents: vscode.workspace.createFileSystemWatcher('**/*.{py,ipynb,yaml,yml,json,toml,sh}'),
        },
        outputChannel: log,
        middleware: { executeCommand: intercepted },
    };
    client = new LanguageClient('lora-lint', 'lora-lint', server, options);
    await client.start();
}

/** The server answers `inspect` with text; the panel shows it. */
async function intercepted(
    name: string,
    args: unknown[],
    next: (name: string, args: unknown[]) => vscode.ProviderResult<unknown>,
): Promise<unknown> {
    const answer = await next(name, args);
    if (name === INSPECT && typeof answer === 'string') {
        const file = path.basename(vscode.Uri.parse(String(args[0])).path);
        show(`inspect: ${file}`, inspectPage(file, answer));
    }
    return answer;
}

/** The interpreter that the Python extension uses for a folder. */
async function selectedInterpreter(folder: vscode.Uri | undefined): Promise<string | undefined> {
    const extension = vscode.extensions.getExtension('ms-python.python');
    if (extension === undefined) {
        return undefined;
    }
    const api = extension.isActive ? extension.exports : await extension.activate();
    return api?.environments?.getActiveEnvironmentPath?.(folder)?.path;
}

/** Asks why a finding is ignored, and lets the server write the comment. */
async function askForReason(uri: string, code: string, span: unknown): Promise<void> {
    const reason = await vscode.window.showInputBox({
        prompt: `Why is ${code} ignored here?`,
        validateInput: text => (/^[^#\p{Cc}]*[^#\p{Cc}\s][^#\p{Cc}]*$/u.test(text) ? undefined : 'One line without #'),
    });
    if (reason !== undefined) {
        await vscode.commands.executeCommand(IGNORE, uri, code, span, reason);
    }
}

/** Verifies the findings of the active file, and shows the report. */
async function verify(log: vscode.LogOutputChannel): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    if (document === undefined || document.uri.scheme !== 'file' || command === undefined) {
        return;
    }
    const started = command;
    await document.save();
    const name = path.basename(document.uri.fsPath);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lora-lint-'));
    const report = path.join(folder, 'report.html');
    const title = `lora-lint: verifying ${name}`;
    try {
        await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, async () => {
            const cwd = vscode.workspace.getWorkspaceFolder(document.uri)?.uri.fsPath;
            const done = await run(started, ['--verify-report', report, document.uri.fsPath], cwd, 1200);
            log.info(done.errors);
            if (fs.existsSync(report)) {
                show(`verify: ${name}`, reportPage(fs.readFileSync(report, 'utf8')));
            } else {
                show(`verify: ${name}`, problemPage(`${name} was not verified`, done.errors));
            }
        });
    } finally {
        fs.rmSync(folder, { recursive: true, force: true });
    }
}

function show(title: string, html: string): void {
    if (panel === undefined) {
        panel = vscode.window.createWebviewPanel('lora-lint', title, vscode.ViewColumn.Beside, { enableScripts: false });
        panel.onDidDispose(() => {
            panel = undefined;
        });
    }
    panel.title = title;
    panel.webview.html = html;
    panel.reveal(undefined, true);
}

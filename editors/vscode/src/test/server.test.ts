import assert from 'node:assert/strict';
import { test } from 'node:test';

import { firstThatAnswers, run } from '../run';
import { candidates, type Surroundings } from '../server';

const AROUND: Surroundings = { path: '', interpreter: '', folder: '/home/me/project', platform: 'linux' };

function lines(around: Partial<Surroundings>): string[] {
    return candidates({ ...AROUND, ...around }).map(each => [each.command, ...each.args].join(' '));
}

test('a command that is set is the only one', () => {
    assert.deepEqual(lines({ path: '/opt/lora-lint', interpreter: '/opt/python' }), ['/opt/lora-lint']);
    assert.deepEqual(lines({ interpreter: '/opt/python' }), ['/opt/python -m lora_lint']);
});

test('environments come before the path', () => {
    assert.deepEqual(lines({ selected: '/conda/python' }), [
        '/conda/python -m lora_lint',
        '/home/me/project/.venv/bin/python -m lora_lint',
        '/home/me/project/venv/bin/python -m lora_lint',
        'lora-lint',
        'python3 -m lora_lint',
    ]);
});

test('Windows has other folders', () => {
    assert.equal(lines({ folder: 'C:\\work', platform: 'win32' })[0], 'C:\\work\\.venv\\Scripts\\python.exe -m lora_lint');
    assert.equal(lines({ platform: 'win32' }).at(-1), 'python -m lora_lint');
});

test('what comes with the extension is used before the system alone', () => {
    const found = candidates({ ...AROUND, bundled: '/ext/bundled' });
    assert.deepEqual(found.at(-2), {
        command: 'python3',
        args: ['-m', 'lora_lint'],
        env: { PYTHONPATH: '/ext/bundled' },
    });
});

test('the first command that answers is used', async () => {
    const says = (text: string, status = 0) => ({
        command: process.execPath,
        args: ['-e', `console.log(${JSON.stringify(text)}); process.exit(${status})`, '--'],
    });
    const right = says('lora-lint 1.2.3');
    const wrong = [{ command: '/no/such/file', args: [] }, says('other 1'), says('lora-lint 1', 1)];
    assert.equal(await firstThatAnswers([...wrong, right]), right);
    assert.equal(await firstThatAnswers(wrong), undefined);
    assert.equal((await run(right, [])).output, 'lora-lint 1.2.3\n');
});

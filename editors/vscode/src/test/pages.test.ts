import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inspectPage, problemPage, reportPage } from '../pages';

test("the user's text cannot become markup", () => {
    for (const page of [inspectPage('<a>.py', 'r <script>alert(1)</script>'), problemPage('<b>', '"\'&')]) {
        assert.ok(!page.includes('<script>'));
        assert.ok(!page.includes('<a>'));
        assert.ok(!page.includes('<b>'));
        assert.ok(page.includes("default-src 'none'"));
    }
});

test('a report may load nothing', () => {
    const page = reportPage('<!DOCTYPE html><html><head><title>x</title></head><body></body></html>');
    assert.ok(page.indexOf('Content-Security-Policy') < page.indexOf('<title>'));
});

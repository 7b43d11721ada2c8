/**
 * `sluice completions`: what a shell needs to complete the command line. Made of the command line itself.
 *
 * @module
 */
import type { CommandOutline, FlagOutline, Outline } from "./command_line/outline.ts";

/** Shells with completions. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of them. */
export type Shell = typeof SHELLS[number];

/** Values that are paths of files. */
const FILES: ReadonlySet<string> = new Set(["file", "path"]);

/** The script for a shell, to be sourced. */
export function completions(outline: Outline, shell: Shell): string {
  return SCRIPTS[shell](outline);
}

const SCRIPTS: Readonly<Record<Shell, (outline: Outline) => string>> = { bash, zsh, fish };

/** In bash words are taken apart at `=` and `:`, so values after `=` come as words of their own. */
function bash({ flags, commands }: Outline): string {
  const names = commands.map(({ name }) => name);
  return `# bash completion of sluice: source <(sluice completions bash)
_sluice() {
  local word command="" current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == -- ]]; then return; fi # the program of a server: files and names of programs
    if [[ -z $command && $word != -* ]]; then command=$word; fi
  done
  case "$command $previous" in
${
    commands.flatMap((command) => command.flags.flatMap((flag) => bashValue(command, flag))).join(
      "\n",
    )
  }
  esac
  case $command in
    "") COMPREPLY=($(compgen -W ${quoted([...names, ...longs(flags)].join(" "))} -- "$current")) ;;
${commands.map(bashCommand).join("\n")}
  esac
}
complete -o bashdefault -o default -F _sluice sluice
`;
}

/** What follows a flag with a value. */
function bashValue({ name }: CommandOutline, { long, value, choices }: FlagOutline): string[] {
  if (value === undefined) return [];
  const pattern = `    "${name} ${long}")`;
  if (choices.length > 0) {
    const words = `$(compgen -W ${quoted(choices.join(" "))} -- "$current")`;
    return [`${pattern} COMPREPLY=(${words}); return ;;`];
  }
  // Without an answer of ours bash completes paths, unless it is told that these are none.
  const none = FILES.has(value) ? "" : "compopt +o default +o bashdefault; ";
  return [`${pattern} ${none}return ;;`];
}

function bashCommand({ name, flags, choices }: CommandOutline): string {
  const words = [...longs(flags), "--help", ...choices].filter(isFirst);
  return `    ${name}) COMPREPLY=($(compgen -W ${quoted(words.join(" "))} -- "$current")) ;;`;
}

function zsh({ flags, commands }: Outline): string {
  return `#compdef sluice
# zsh completion of sluice: sluice completions zsh > "\${fpath[1]}/_sluice"
_sluice() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
${flags.map((flag) => `    ${zshFlag(flag)} \\`).join("\n")}
    '1: :->command' \\
    '*:: :->rest'
  case $state in
    command)
      local -a commands=(
${commands.map(({ name, description }) => `        ${quoted(`${name}:${description}`)}`).join("\n")}
      )
      _describe command commands ;;
    rest)
      if (( \${words[(I)--]} && \${words[(I)--]} < CURRENT )); then _normal; return; fi
      case $line[1] in
${commands.map(zshCommand).join("\n")}
      esac ;;
  esac
}
if [[ $funcstack[1] == _sluice ]]; then _sluice "$@"; else compdef _sluice sluice; fi
`;
}

function zshCommand({ name, flags, choices }: CommandOutline): string {
  const operands = choices.length > 0 ? `1: :(${choices.join(" ")})` : "*: :_files";
  return `        ${name}) _arguments ${[...flags.map(zshFlag), quoted(operands)].join(" ")} ;;`;
}

function zshFlag({ long, value, choices, description }: FlagOutline): string {
  const what = `${long}[${description.replace(/[[\]\\:]/g, "\\$&")}]`;
  if (value === undefined) return quoted(what);
  const action = choices.length > 0 ? `(${choices.join(" ")})` : FILES.has(value) ? "_files" : "";
  return quoted(`*${what}:${value.replaceAll(":", "\\:")}:${action}`);
}

function fish({ flags, commands }: Outline): string {
  const names = commands.map(({ name }) => name).join(" ");
  const none = `-n "not __fish_seen_subcommand_from ${names}"`;
  return [
    "# fish completion of sluice: sluice completions fish > ~/.config/fish/completions/sluice.fish",
    `complete -c sluice ${none} -f`,
    ...flags.map((flag) => `complete -c sluice ${none} ${fishFlag(flag)}`),
    ...commands.flatMap(({ name, description, flags, choices }) => [
      `complete -c sluice ${none} -a ${name} -d ${fishText(description)}`,
      ...choices.length === 0 ? [] : [
        `complete -c sluice -n "__fish_seen_subcommand_from ${name}" -f -a ${
          quoted(choices.join(" "))
        }`,
      ],
      ...flags.map((flag) =>
        `complete -c sluice -n "__fish_seen_subcommand_from ${name}" ${fishFlag(flag)}`
      ),
    ]),
    "",
  ].join("\n");
}

function fishFlag({ long, short, value, choices, description }: FlagOutline): string {
  const values = choices.length > 0
    ? ` -x -a ${quoted(choices.join(" "))}`
    : value === undefined
    ? ""
    : FILES.has(value)
    ? " -r -F"
    : " -x";
  return `${short === undefined ? "" : `-s ${short.slice(1)} `}-l ${long.slice(2)}${values} -d ${
    fishText(description)
  }`;
}

function longs(flags: readonly FlagOutline[]): string[] {
  return flags.map(({ long }) => long);
}

/** In single quotes, for bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The same for fish, which has escapes within them. */
function fishText(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

function isFirst(word: string, at: number, words: readonly string[]): boolean {
  return words.indexOf(word) === at;
}

//! Options from a file: `saliency.toml` in the working folder, or the file of `--config`.
//!
//! Its names are those of the options. A name at the top is for every command that has such an
//! option; a name in a table `[explain]` is for this command, and wins. The command line wins over
//! both. So the file becomes arguments, which are put before those of the command line.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::ValueHint;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _};
use saliency_program::Result;
use saliency_program::program::unusable;
use toml::{Table, Value};

use crate::args::Args;

/// The result of a step, with what is wrong in the file.
type Checked<T> = std::result::Result<T, String>;

/// The file that is read if no other is named.
const FILE: &str = "saliency.toml";

/// Names of options that make no sense in a file.
const NOT_IN_FILES: [&str; 4] = ["config", "help", "list-devices", "version"];

/// How like an option a name must be to be suggested.
const LIKE: f64 = 0.75;

/// The arguments of the command line, with those of the file.
#[derive(Debug)]
pub struct Arguments {
    /// The arguments.
    pub line: Vec<OsString>,
    /// Says where some of them come from, if an argument is wrong.
    pub note: Option<String>,
}

/// Adds the options of the file to those of the command line.
///
/// # Errors
/// An error if the file cannot be read, or if there is no such option.
pub fn arguments(line: Vec<OsString>) -> Result<Arguments> {
    let mut command = Args::command();
    command.build();
    // Wrong arguments are reported later, in the words of clap.
    let given = command.clone().ignore_errors(true).try_get_matches_from(&line);
    let Some((name, given)) = given.as_ref().ok().and_then(ArgMatches::subcommand) else {
        return Ok(Arguments { line, note: None });
    };
    let Some(path) = path_of(given.get_one::<PathBuf>("config")) else {
        return Ok(Arguments { line, note: None });
    };
    let file = ConfigFile::read(&path, &command).map_err(unusable)?;
    let command = command.find_subcommand(name).expect("the command was parsed");
    let options = file.options(command, given).map_err(unusable)?;
    let note = format!("some options may come from {}", path.display());
    Ok(Arguments { line: inserted(line, name, options), note: Some(note) })
}

/// Returns the file to read, if there is one.
fn path_of(given: Option<&PathBuf>) -> Option<PathBuf> {
    let default = || Path::new(FILE).is_file().then(|| PathBuf::from(FILE));
    given.cloned().or_else(default)
}

/// Puts options behind the name of the command, before all other arguments.
fn inserted(line: Vec<OsString>, name: &str, options: Vec<OsString>) -> Vec<OsString> {
    let is_value = |at: usize| line[at - 1] == "--config";
    let place = (1..line.len()).find(|&at| line[at] == OsStr::new(name) && !is_value(at));
    let Some(place) = place else { return line };
    let (before, behind) = line.split_at(place + 1);
    before.iter().cloned().chain(options).chain(behind.iter().cloned()).collect()
}

/// A file of options.
struct ConfigFile<'a> {
    path: &'a Path,
    table: Table,
}

impl<'a> ConfigFile<'a> {
    /// Reads a file, and checks that all its names are those of options.
    fn read(path: &'a Path, command: &Command) -> Checked<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read the options in {shown}: {error}"))?;
        let table: Table = text
            .trim_start_matches('\u{feff}')
            .parse()
            .map_err(|error| format!("{shown} is not TOML: {error}"))?;
        let file = Self { path, table };
        file.check(command)?;
        Ok(file)
    }

    fn check(&self, command: &Command) -> Checked<()> {
        let commands: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let all: Vec<&str> = command.get_subcommands().flat_map(options_of).collect();
        for (key, value) in &self.table {
            match (value, command.find_subcommand(key)) {
                (Value::Table(table), Some(command)) => {
                    let known: Vec<&str> = options_of(command).collect();
                    if let Some(key) = table.keys().find(|key| !known.contains(&&key[..])) {
                        let of = format!("`saliency {}` has", command.get_name());
                        return Err(self.unknown(&of, "option", key, &known));
                    }
                }
                (Value::Table(_), None) => {
                    return Err(self.unknown("there is", "command", key, &commands));
                }
                _ if !all.contains(&&key[..]) => {
                    return Err(self.unknown("there is", "option", key, &all));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says that a name is unknown, and which one may be meant.
    fn unknown(&self, of: &str, what: &str, key: &str, known: &[&str]) -> String {
        let like = |name: &&&str| strsim::jaro_winkler(key, name);
        let nearest = known.iter().max_by(|a, b| like(a).total_cmp(&like(b)));
        let advice = match nearest.filter(|name| like(name) > LIKE) {
            Some(name) => format!("; did you mean `{name}`?"),
            None => String::new(),
        };
        format!("{}: {of} no {what} `{key}`{advice}", self.path.display())
    }

    /// Returns the arguments for a command, without those that were given on the command line, and
    /// without those that do not go together with these.
    fn options(&self, command: &Command, given: &ArgMatches) -> Checked<Vec<OsString>> {
        let args: BTreeMap<&str, &Arg> =
            command.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg))).collect();
        let own = self.table.get(command.get_name()).and_then(Value::as_table);
        let has = |key: &&String| args.contains_key(&key[..]);
        let mut values: BTreeMap<&str, &Value> = BTreeMap::new();
        for key in self.table.keys().filter(has) {
            values.insert(key, &self.table[key]);
        }
        values.extend(own.into_iter().flatten().map(|(key, value)| (&key[..], value)));

        let from_line: Vec<&Arg> = args
            .values()
            .copied()
            .filter(|arg| {
                given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
            })
            .collect();
        let mut options = Vec::new();
        for (key, value) in values {
            let arg = args[key];
            let conflicts = |one: &Arg, other: &Arg| {
                command.get_arg_conflicts_with(one).iter().any(|it| it.get_id() == other.get_id())
            };
            let is_beaten = |other: &&Arg| {
                other.get_id() == arg.get_id() || conflicts(arg, other) || conflicts(other, arg)
            };
            if !from_line.iter().any(is_beaten) {
                options.extend(self.option(arg, key, value)?);
            }
        }
        Ok(options)
    }

    /// Turns a value into arguments.
    fn option(&self, arg: &Arg, key: &str, value: &Value) -> Checked<Vec<OsString>> {
        let wrong = |expected: &str| {
            format!("{}: expected {expected} for `{key}`, found {value}", self.path.display())
        };
        if !arg.get_action().takes_values() {
            let is_on = value.as_bool().ok_or_else(|| wrong("true or false"))?;
            return Ok(is_on.then(|| format!("--{key}").into()).into_iter().collect());
        }
        let one = |value: &Value| match value {
            Value::String(text) => Some(self.resolved(arg, text)),
            Value::Integer(number) => Some(number.to_string().into()),
            Value::Float(number) => Some(number.to_string().into()),
            _ => None,
        };
        let texts = match value {
            Value::Array(values) => values.iter().map(one).collect(),
            value => one(value).map(|text| vec![text]),
        };
        let texts = texts.ok_or_else(|| wrong("a text, a number, or a list of them"))?;
        let option = |text: OsString| {
            let mut option = OsString::from(format!("--{key}="));
            option.push(text);
            option
        };
        Ok(texts.into_iter().map(option).collect())
    }

    /// Paths in a file start at its folder.
    fn resolved(&self, arg: &Arg, text: &str) -> OsString {
        let is_path = matches!(
            arg.get_value_hint(),
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath
        );
        match self.path.parent() {
            Some(folder) if is_path => folder.join(text).into_os_string(),
            _ => text.into(),
        }
    }
}

/// Returns the long names of the options of a command that can be in a file.
fn options_of(command: &Command) -> impl Iterator<Item = &str> {
    let names = command.get_arguments().filter_map(Arg::get_long);
    names.filter(|name| !NOT_IN_FILES.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn line(words: &str) -> Vec<OsString> {
        words.split(' ').map(OsString::from).collect()
    }

    /// Writes a file, and returns the arguments with those of the file.
    fn with_file(text: &str, words: &str) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        fs::write(&path, text).unwrap();
        let mut line = line(words);
        line.extend(["--config".into(), path.clone().into_os_string()]);
        let arguments = arguments(line)?;
        assert!(arguments.note.unwrap().contains("own.toml"));
        let (_, line) = arguments.line.split_last().unwrap();
        let (_, line) = line.split_last().unwrap();
        let shown = folder.path().display().to_string();
        Ok(line.iter().map(|it| it.to_string_lossy().replace(&shown, "HERE")).collect())
    }

    #[test]
    fn options_of_a_file_come_before_those_of_the_command_line() {
        let text = "json = true\npage = false\n[explain]\nsamples = 7\ntarget = [\"a\", \"b\"]\n\
                    tolerance = 0.5\n[audit]\nexpect = 3";
        let found = with_file(text, "saliency explain cat.jpg").unwrap();
        let expected =
            "saliency explain --json --samples=7 --target=a --target=b --tolerance=0.5 cat.jpg";
        assert_eq!(found.join(" "), expected);
        Args::try_parse_from(&found).unwrap();
    }

    #[test]
    fn the_command_line_wins_and_so_does_the_table_of_a_command() {
        let text = "samples = 7\nmethod = \"gradient\"\nout = \"maps\"\n[explain]\nsamples = 8";
        let found = with_file(text, "saliency explain --compare gradient,smooth-grad").unwrap();
        // The method does not go together with a comparison.
        assert_eq!(
            found[2..4],
            [
                format!("--out={}", Path::new("HERE").join("maps").display()),
                "--samples=8".to_owned()
            ]
        );
        let found = with_file(text, "saliency explain --samples 9").unwrap().join(" ");
        assert!(!found.contains("samples=") && found.contains("--method=gradient"), "{found}");
    }

    #[test]
    fn unknown_names_and_wrong_values_are_errors() {
        for (text, expected) in [
            ("sample = 7", "there is no option `sample`; did you mean `samples`?"),
            (
                "[explain]\npages = true",
                "`saliency explain` has no option `pages`; did you mean `page`?",
            ),
            ("[explian]\npage = true", "there is no command `explian`; did you mean `explain`?"),
            ("xyzzy = 1", "there is no option `xyzzy`"),
            ("[explain]\nexpect = 3", "`saliency explain` has no option `expect`"),
            ("list-devices = true", "there is no option `list-devices`"),
            ("page = 3", "expected true or false for `page`, found 3"),
            ("target = [true]", "a list of them for `target`, found [true]"),
            ("page = ", "is not TOML"),
        ] {
            let error = with_file(text, "saliency explain").unwrap_err().to_string();
            assert!(error.contains("own.toml") && error.contains(expected), "{error}");
        }
        let missing = arguments(line("saliency explain --config nowhere.toml")).unwrap_err();
        assert!(missing.to_string().contains("cannot read the options in nowhere.toml"));
    }

    #[test]
    fn a_file_whose_name_is_that_of_a_command_is_no_command() {
        let options = vec![OsString::from("--json")];
        let found = inserted(line("saliency --config audit audit x"), "audit", options);
        assert_eq!(found, line("saliency --config audit audit --json x"));
    }
}

//! Programs that run to their end, and what they said.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};

/// Runs a program to its end and returns what it wrote to standard output.
///
/// # Errors
///
/// If it cannot be started or fails: with the command and the last line that it said.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = attempt(command)?;
    if !output.status.success() {
        bail!("{}", complaint(command, &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program to its end, whatever that is.
///
/// # Errors
///
/// If it cannot be started.
pub(crate) fn attempt(command: &mut Command) -> anyhow::Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))
}

/// The command of the words, which hold no quotes.
pub(crate) fn words(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// What failed, and the last line that it said.
fn complaint(command: &Command, output: &Output) -> String {
    let mut line = command.get_program().display().to_string();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    let said = if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    };
    let said = String::from_utf8_lossy(said);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    match last {
        Some(last) => format!("`{line}` failed ({}): {}", output.status, last.trim()),
        None => format!("`{line}` failed ({})", output.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_the_command_and_its_last_words() {
        let error =
            output(Command::new("sh").args(["-c", "echo first >&2; echo last >&2; exit 3"]))
                .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c echo first >&2; echo last >&2; exit 3` failed (exit status: 3): last"
        );
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let error = output(&mut words("no-such-program at all")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program`");
    }
}

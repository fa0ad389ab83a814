//! Why a command did not succeed, for people.

use std::io::Write;
use std::process::ExitCode;

/// A failure: one clear sentence, the way out, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    /// The command could not be tried: exit code 2.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            exit_code: 2,
        }
    }

    /// A running Virga refused or failed: exit code 1.
    pub fn refused(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            exit_code: 1,
        }
    }

    /// Nobody reads the output any more, which is no failure.
    pub(crate) fn output(error: &std::io::Error) -> Failure {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure {
                message: String::new(),
                exit_code: 0,
            };
        }
        Failure::refused(format!("The output cannot be written: {error}."))
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// Writes the message to standard error.
    pub fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            // Where standard error is closed the exit code alone must tell.
            let _ = writeln!(std::io::stderr().lock(), "virga: {}", self.message);
        }
        ExitCode::from(self.exit_code)
    }
}

//! Prints calls as they come, on a thread of its own, so that no call waits for a terminal or a pipe.

use crate::line::{CallLine, to_json};
use crate::{CallLog, LogFormat};
use log::LevelFilter;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use virga_service::CallRecord;

/// How long lines gather before they are written together.
const GATHER: Duration = Duration::from_millis(20);
/// Calls written at once.
const BATCH_MAX: usize = 512;

/// The thread that prints calls.
pub struct Printer {
    thread: JoinHandle<()>,
    ending: Arc<AtomicBool>,
}

impl Printer {
    /// Prints calls from now on: all of them at level info, only failures (4xx and 5xx) at warn, only Virga's own (5xx)
    /// at error.
    pub fn start(
        calls: Arc<CallLog>,
        format: LogFormat,
        level: LevelFilter,
        colour: bool,
        out: Box<dyn Write + Send>,
    ) -> std::io::Result<Printer> {
        let ending = Arc::new(AtomicBool::new(false));
        let work = Work {
            calls,
            format,
            level,
            colour,
            out,
            ending: ending.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("virga-log".to_owned())
            .stack_size(256 * 1024)
            .spawn(move || work.run())?;
        Ok(Printer { thread, ending })
    }

    /// Prints what is left and ends.
    pub fn finish(self) {
        self.ending.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        let _ = self.thread.join();
    }
}

struct Work {
    calls: Arc<CallLog>,
    format: LogFormat,
    level: LevelFilter,
    colour: bool,
    out: Box<dyn Write + Send>,
    ending: Arc<AtomicBool>,
}

impl Work {
    fn run(mut self) {
        self.calls.print_here();
        let mut cursor = 0;
        let mut text = String::new();
        loop {
            let ending = self.ending.load(Ordering::SeqCst);
            // What is not printed is not copied either.
            let page = self.calls.after_where(cursor, BATCH_MAX, |record| self.prints(record));
            let seen = page.next.saturating_sub(cursor.saturating_add(page.missed));
            cursor = page.next;
            if page.missed > 0 {
                self.tell_missed(page.missed, &mut text);
            }
            for (number, record) in &page.records {
                self.tell(*number, record, &mut text);
            }
            if !text.is_empty() {
                if self
                    .out
                    .write_all(text.as_bytes())
                    .and_then(|()| self.out.flush())
                    .is_err()
                {
                    // Nobody reads any more; the calls stay readable at /_virga/logs.
                    return;
                }
                text.clear();
                text.shrink_to(64 * 1024);
            }
            if seen > 0 {
                if seen < BATCH_MAX as u64 && !ending {
                    std::thread::park_timeout(GATHER);
                }
            } else if ending {
                return;
            } else {
                self.calls.park_until_after(cursor);
            }
        }
    }

    fn prints(&self, record: &CallRecord) -> bool {
        let least = match record.status {
            500.. => LevelFilter::Error,
            400.. => LevelFilter::Warn,
            _ => LevelFilter::Info,
        };
        self.level >= least
    }

    fn tell(&self, number: u64, record: &CallRecord, text: &mut String) {
        match self.format {
            LogFormat::Human => CallLine::from(record).write_human(text, self.colour),
            LogFormat::Json => {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{}", to_json(number, record));
            }
        }
    }

    fn tell_missed(&self, missed: u64, text: &mut String) {
        if self.level < LevelFilter::Warn {
            return;
        }
        let _ = match self.format {
            LogFormat::Human => writeln!(text, "({missed} calls came faster than they could be printed)"),
            LogFormat::Json => writeln!(text, "{}", serde_json::json!({ "missed": missed })),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::Printer;
    use crate::line::tests::{record, tell};
    use crate::{CallLog, LogFormat};
    use log::LevelFilter;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("sink").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn printed(format: LogFormat, level: LevelFilter) -> String {
        let (calls, sink) = (Arc::new(CallLog::default()), Sink::default());
        let printer = Printer::start(calls.clone(), format, level, false, Box::new(sink.clone())).expect("a thread");
        for status in [200, 404, 500] {
            tell(&calls, record("SendMessage", status));
        }
        printer.finish();
        String::from_utf8(sink.0.lock().expect("sink").clone()).expect("text")
    }

    #[test]
    fn the_level_chooses_the_calls() {
        for (level, lines) in [
            (LevelFilter::Info, 3),
            (LevelFilter::Warn, 2),
            (LevelFilter::Error, 1),
            (LevelFilter::Off, 0),
        ] {
            assert_eq!(printed(LogFormat::Human, level).lines().count(), lines, "{level}");
        }
    }

    #[test]
    fn json_lines_are_json() {
        let text = printed(LogFormat::Json, LevelFilter::Info);
        let statuses: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["status"].clone())
            .collect();
        assert_eq!(statuses, [200, 404, 500]);
    }
}

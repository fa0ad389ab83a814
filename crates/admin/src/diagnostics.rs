//! What Virga says of itself (as against of calls): warnings and errors of the house, on standard error.

use crate::LogFormat;
use log::{LevelFilter, Log, Metadata, Record};
use std::io::Write;
use std::sync::Arc;
use virga_service::Cloud;

/// The receiver of the `log` macros.
pub struct Diagnostics {
    format: LogFormat,
    level: LevelFilter,
    cloud: Arc<Cloud>,
}

impl Diagnostics {
    /// Receives everything up to `level` from now on. Only the first in a process takes effect.
    pub fn install(format: LogFormat, level: LevelFilter, cloud: Arc<Cloud>) {
        let diagnostics = Diagnostics { format, level, cloud };
        if log::set_logger(Box::leak(Box::new(diagnostics))).is_ok() {
            log::set_max_level(level);
        }
    }
}

impl Log for Diagnostics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
            && (metadata.target().starts_with("virga") || metadata.level() <= log::Level::Warn)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let at = self.cloud.clock().now().to_iso8601_millis();
        let level = record.level().as_str().to_lowercase();
        let line = match self.format {
            LogFormat::Human => format!("{at}  {level}: {}\n", record.args()),
            LogFormat::Json => {
                let json = serde_json::json!({
                    "at": at,
                    "level": level,
                    "target": record.target(),
                    "message": record.args().to_string(),
                });
                format!("{json}\n")
            }
        };
        // Where standard error is closed there is nobody left to tell.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

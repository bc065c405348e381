//! How much memory a piece of work needs at most.

/// Resident memory at one moment.
pub(super) struct Memory {
    before_mb: f64,
}

impl Memory {
    /// From here on; the system is told to forget earlier peaks.
    pub(super) fn watch() -> Self {
        // Where the system has no such file, the peak is that of the whole process: too high, never too low.
        let _unknown = std::fs::write("/proc/self/clear_refs", "5");
        Self { before_mb: megabytes("VmRSS:") }
    }

    /// Megabytes by which the peak since then exceeds what there was. 0 where the system does not tell in this way.
    pub(super) fn grown_mb(&self) -> f64 {
        (megabytes("VmHWM:") - self.before_mb).max(0.0)
    }
}

fn megabytes(entry: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(entry));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1e3
}

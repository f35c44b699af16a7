//! What the system knows of a process: its processor time, memory and output.

/// A process of this machine.
#[derive(Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Processor time it has used, user and system, in microseconds.
    pub fn cpu_micros(self) -> f64 {
        let stat = self.read("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
        // Linux counts in hundredths of a second on every platform we run on.
        (ticks(11) + ticks(12)) * 10_000.0
    }

    /// Memory that is its own and not the system's to take back, in bytes.
    pub fn resident(self) -> u64 {
        self.kib("status", "VmRSS:")
    }

    /// The most it ever had.
    pub fn resident_at_most(self) -> u64 {
        self.kib("status", "VmHWM:")
    }

    fn kib(self, file: &str, key: &str) -> u64 {
        self.number(file, key) << 10
    }

    fn number(self, file: &str, key: &str) -> u64 {
        let text = self.read(file);
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
    }

    fn read(self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.0)).unwrap_or_default()
    }
}

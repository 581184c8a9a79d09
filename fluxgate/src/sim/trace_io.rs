//! Traces as JSONL and CSV.

use std::{
    error, fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Ended, Entry, Trace};

/// The bytes of one line: a call takes less than a hundred.
const LONGEST_LINE: u64 = 4096;

/// What a line must hold.
const EXPECTED: &str = "`at` in seconds, `outcome` one of success, failure, overloaded, alive, \
    ignored, cancelled and refused, and `took` in seconds unless it was refused";

/// One line of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceLine {
    at: f64,
    #[serde(default)]
    took: Option<f64>,
    outcome: TraceOutcome,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TraceOutcome {
    Success,
    Failure,
    Overloaded,
    Alive,
    Ignored,
    Cancelled,
    Refused,
}

impl From<&Entry> for TraceLine {
    fn from(entry: &Entry) -> Self {
        let outcome = match entry.ended.map(|(_, ended)| ended) {
            None => TraceOutcome::Refused,
            Some(Ended::Success) => TraceOutcome::Success,
            Some(Ended::Failure) => TraceOutcome::Failure,
            Some(Ended::Overloaded) => TraceOutcome::Overloaded,
            Some(Ended::Alive) => TraceOutcome::Alive,
            Some(Ended::Ignored) => TraceOutcome::Ignored,
            Some(Ended::Cancelled) => TraceOutcome::Cancelled,
        };
        Self {
            at: entry.at.as_secs_f64(),
            took: entry.ended.map(|(took, _)| took.as_secs_f64()),
            outcome,
        }
    }
}

impl TryFrom<TraceLine> for Entry {
    type Error = String;

    fn try_from(line: TraceLine) -> Result<Self, String> {
        let seconds = |field: &str, value: f64| {
            Duration::try_from_secs_f64(value)
                .map_err(|_| format!("`{field}` is {value}, which is no time in seconds"))
        };
        let at = seconds("at", line.at)?;
        let ended = match line.outcome {
            TraceOutcome::Refused => {
                if line.took.is_some() {
                    return Err("a call that was refused has no `took`".to_owned());
                }
                return Ok(Self::refused(at));
            }
            TraceOutcome::Success => Ended::Success,
            TraceOutcome::Failure => Ended::Failure,
            TraceOutcome::Overloaded => Ended::Overloaded,
            TraceOutcome::Alive => Ended::Alive,
            TraceOutcome::Ignored => Ended::Ignored,
            TraceOutcome::Cancelled => Ended::Cancelled,
        };
        let took = line.took.ok_or("a call that ran needs `took`")?;
        Ok(Self::ran(at, seconds("took", took)?, ended))
    }
}

/// Why a trace could not be read: the file, the line, what is wrong, and what was
/// expected.
#[derive(Debug)]
pub struct TraceError {
    file: String,
    line: Option<u64>,
    message: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl TraceError {
    /// Returns the number of the line, from 1, if it is a line's fault.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    fn at_line(line: u64, message: impl fmt::Display) -> Self {
        Self {
            file: String::new(),
            line: Some(line),
            message: format!("{message}; expected {EXPECTED}"),
            source: None,
        }
    }

    fn io(line: Option<u64>, error: io::Error) -> Self {
        Self {
            file: String::new(),
            line,
            message: error.to_string(),
            source: Some(error.into()),
        }
    }

    fn too_many() -> Self {
        Self {
            file: String::new(),
            line: None,
            message: format!("more than {} calls", Trace::MOST_CALLS),
            source: None,
        }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = match self.file.as_str() {
            "" => "the trace",
            file => file,
        };
        match self.line {
            Some(line) => write!(f, "{file}, line {line}: {}", self.message),
            None => write!(f, "{file}: {}", self.message),
        }
    }
}

impl error::Error for TraceError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Trace {
    /// Reads a file: CSV if its name ends in `.csv`, else JSONL.
    ///
    /// # Errors
    ///
    /// [`TraceError`] if it can't be opened, or with the first line that is no call, or
    /// if it holds more than [`MOST_CALLS`](Self::MOST_CALLS).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        let path = path.as_ref();
        let is_csv = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        File::open(path)
            .map_err(|error| TraceError::io(None, error))
            .and_then(|file| {
                if is_csv {
                    Self::from_csv(file)
                } else {
                    Self::from_jsonl(BufReader::new(file))
                }
            })
            .map_err(|error| TraceError {
                file: path.display().to_string(),
                ..error
            })
    }

    /// Reads one JSON object a line: `{"at": 0.25, "took": 0.012, "outcome":
    /// "success"}`, without `took` for `"outcome": "refused"`. Times are seconds;
    /// empty lines are skipped.
    ///
    /// ```
    /// use fluxgate::sim::Trace;
    ///
    /// let lines = r#"
    /// {"at": 0.0, "took": 0.012, "outcome": "success"}
    /// {"at": 0.5, "took": 1.0, "outcome": "failure"}
    /// {"at": 0.7, "outcome": "refused"}
    /// "#;
    /// let trace = Trace::from_jsonl(lines.as_bytes())?;
    /// assert_eq!(trace.entries().len(), 3);
    ///
    /// let error = Trace::from_jsonl(r#"{"at": -1, "outcome": "refused"}"#.as_bytes());
    /// assert!(error.unwrap_err().to_string().starts_with("the trace, line 1: `at` is -1,"));
    /// # Ok::<_, fluxgate::sim::TraceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_jsonl(mut reader: impl BufRead) -> Result<Self, TraceError> {
        let mut entries = Vec::new();
        let mut text = Vec::new();
        let mut line = 0;
        loop {
            line += 1;
            text.clear();
            let read = reader
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut text)
                .map_err(|error| TraceError::io(Some(line), error))?;
            if read == 0 {
                return Ok(Self::new(entries));
            }
            if read as u64 == LONGEST_LINE && text.last() != Some(&b'\n') {
                let message = format!("longer than {LONGEST_LINE} bytes");
                return Err(TraceError::at_line(line, message));
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let parsed: TraceLine = serde_json::from_slice(&text).map_err(|error| {
                // The error's own line is always 1.
                let message = error.to_string();
                let column = error.column();
                let message = message.split(" at line ").next().unwrap_or(&message);
                TraceError::at_line(line, format!("{message} at column {column}"))
            })?;
            push(&mut entries, parsed, line)?;
        }
    }

    /// Reads CSV with the header `at,took,outcome`, in any order; `took` is empty for
    /// `refused`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_csv(reader: impl Read) -> Result<Self, TraceError> {
        let mut entries = Vec::new();
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(reader);
        let mut records = reader.deserialize();
        loop {
            let line = records.reader().position().line();
            let Some(record) = records.next() else {
                return Ok(Self::new(entries));
            };
            let parsed: TraceLine = record.map_err(|error| {
                let line = error.position().map_or(line, csv::Position::line);
                let message = match error.kind() {
                    csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
                    _ => error.to_string(),
                };
                TraceError::at_line(line, message)
            })?;
            push(&mut entries, parsed, line)?;
        }
    }

    /// Writes one JSON object a line, as [`from_jsonl`](Self::from_jsonl) reads them.
    ///
    /// # Errors
    ///
    /// That of the writer.
    pub fn write_jsonl(&self, mut writer: impl Write) -> io::Result<()> {
        for entry in &self.entries {
            serde_json::to_writer(&mut writer, &TraceLine::from(entry))?;
            writer.write_all(b"\n")?;
        }
        writer.flush()
    }

    /// Writes CSV, as [`from_csv`](Self::from_csv) reads it.
    ///
    /// # Errors
    ///
    /// That of the writer.
    pub fn write_csv(&self, writer: impl Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(writer);
        if self.entries.is_empty() {
            writer.write_record(["at", "took", "outcome"])?;
        }
        for entry in &self.entries {
            writer.serialize(TraceLine::from(entry))?;
        }
        writer.flush()
    }
}

fn push(entries: &mut Vec<Entry>, line: TraceLine, number: u64) -> Result<(), TraceError> {
    if entries.len() == Trace::MOST_CALLS {
        return Err(TraceError::too_many());
    }
    let entry = Entry::try_from(line).map_err(|message| TraceError::at_line(number, message))?;
    entries.push(entry);
    Ok(())
}

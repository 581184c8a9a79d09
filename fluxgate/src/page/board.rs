//! What all open pages show: looked at once a second by one thread, and handed to each
//! page as what changed since it was last asked.
//!
//! There is no queue for a page. Each row knows at which look it last changed, and each
//! page up to which look it was told; a slow page is told less often, and of several
//! changes of a row the last one.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Write as _,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, SystemTime},
};

use super::{
    list::{self, ROWS},
    row::{Bucket, Counters, Shown},
};
use crate::{CircuitBreaker, diagnostics, engine::Core, util::panic::catch_panic};

/// How often the breakers are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How many pages are served with events at once.
const PAGES: usize = 64;
/// How many buckets of history are kept, and how long each is, in seconds.
const BUCKETS: usize = 60;
const BUCKET: u64 = 5;
/// After so many looks without a change a page is told that all is well.
const QUIET: u64 = 10;

pub(super) struct Board {
    rows: Mutex<Rows>,
    pages: AtomicUsize,
    bell: Arc<Bell>,
}

/// Wakes the thread that looks.
#[derive(Default)]
struct Bell {
    rung: Mutex<Rung>,
    condition: Condvar,
}

#[derive(Default)]
struct Rung {
    look: bool,
    end: bool,
}

#[derive(Default)]
struct Rows {
    /// The number of looks up to now.
    look: u64,
    at: f64,
    shown: BTreeMap<u64, Row>,
    by_address: HashMap<usize, u64>,
    next: u64,
    /// Rows that are gone, with the look that missed them first.
    gone: VecDeque<(u64, u64)>,
    /// How many breakers there are beyond those shown.
    left_out: usize,
    wakers: HashMap<u64, Waker>,
    next_page: u64,
}

struct Row {
    /// Keeps the address from being used again.
    _core: Weak<Core>,
    fixed: String,
    live: String,
    added: u64,
    changed: u64,
    counters: Counters,
    history: VecDeque<(u64, Bucket)>,
}

impl Board {
    /// Starts the thread that looks. Without threads there are no events.
    pub(super) fn start() -> Arc<Self> {
        let bell = Arc::new(Bell::default());
        let board = Arc::new(Self {
            rows: Mutex::default(),
            pages: AtomicUsize::new(0),
            bell: Arc::clone(&bell),
        });
        let seen = Arc::downgrade(&board);
        let thread = thread::Builder::new().name("fluxgate-page".into());
        if let Err(problem) = thread.spawn(move || run(&bell, &seen)) {
            diagnostics::page_has_no_thread(&problem);
        }
        board
    }

    /// Looks soon, and not only at the next second.
    pub(super) fn look(&self) {
        self.bell.ring(|rung| rung.look = true);
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sample(&self) {
        let Some((found, left_out)) = catch_panic(list::shown) else {
            return;
        };
        let known = self.known();
        let seen: Vec<_> = found
            .iter()
            .filter_map(|(breaker, set)| {
                let breaker = &breaker.upgrade()?;
                let address = address(breaker);
                let fixed = !known.contains(&address);
                let set = set.as_deref();
                let shown = catch_panic(|| Shown::new(breaker, set, fixed))?;
                Some((address, Arc::downgrade(&breaker.core), shown))
            })
            .collect();
        let wakers = self.rows().update(seen, left_out);
        for waker in wakers {
            catch_panic(|| waker.wake());
        }
    }

    fn known(&self) -> std::collections::HashSet<usize> {
        self.rows().by_address.keys().copied().collect()
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.bell.ring(|rung| rung.end = true);
    }
}

impl Bell {
    fn ring(&self, how: impl FnOnce(&mut Rung)) {
        how(&mut self.rung.lock().unwrap_or_else(PoisonError::into_inner));
        self.condition.notify_all();
    }

    /// Waits for the next look. Returns whether there is to be one.
    fn wait(&self) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .condition
            .wait_timeout_while(rung, LOOK, |rung| !rung.look && !rung.end);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        rung.look = false;
        !rung.end
    }
}

fn run(bell: &Bell, board: &Weak<Board>) {
    loop {
        match board.upgrade() {
            Some(board) => {
                catch_panic(|| board.sample());
            }
            None => return,
        }
        if !bell.wait() {
            return;
        }
    }
}

fn address(breaker: &CircuitBreaker) -> usize {
    Arc::as_ptr(&breaker.core).addr()
}

impl Rows {
    /// Takes note of what a look saw. Returns whom to wake.
    fn update(&mut self, seen: Vec<(usize, Weak<Core>, Shown)>, left_out: usize) -> Vec<Waker> {
        self.look += 1;
        let look = self.look;
        // What was built since the last look did all it did since then.
        let built_since = look > 1 && self.left_out == 0;
        self.at = super::row::epoch(SystemTime::now());
        self.left_out = left_out;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds since 1970"
        )]
        let bucket = self.at as u64 / BUCKET;
        let mut present = HashMap::with_capacity(seen.len());
        for (address, core, shown) in seen {
            let id = *self.by_address.entry(address).or_insert_with(|| {
                self.next += 1;
                self.next
            });
            present.insert(address, id);
            if let Some(row) = self.shown.get_mut(&id) {
                row.update(shown, bucket, look);
                continue;
            }
            let mut row = Row::new(core, shown, look);
            if built_since {
                row.count(&Counters::default(), bucket, look);
            }
            self.shown.insert(id, row);
        }
        for (address, id) in std::mem::take(&mut self.by_address) {
            if !present.contains_key(&address) {
                self.shown.remove(&id);
                self.gone.push_back((look, id));
            }
        }
        self.by_address = present;
        while self.gone.len() > 2 * ROWS {
            self.gone.pop_front();
        }
        self.wakers.drain().map(|(_, waker)| waker).collect()
    }

    /// Writes what changed after the look `since`; everything if that is none.
    fn event(&self, since: u64) -> Option<String> {
        let mut rows = String::new();
        for (id, row) in &self.shown {
            row.write(*id, since, &mut rows);
        }
        let gone = self.gone.iter().filter(|(look, _)| *look > since);
        let gone: Vec<_> = gone.map(|(_, id)| id.to_string()).collect();
        let is_news = since == 0 || !rows.is_empty() || !gone.is_empty();
        is_news.then(|| {
            format!(
                "\"left_out\":{},\"gone\":[{}],\"rows\":[{rows}]",
                self.left_out,
                gone.join(",")
            )
        })
    }
}

impl Row {
    fn new(core: Weak<Core>, shown: Shown, look: u64) -> Self {
        Self {
            _core: core,
            fixed: shown.fixed.unwrap_or_default(),
            live: shown.live,
            added: look,
            changed: look,
            counters: shown.counters,
            history: VecDeque::new(),
        }
    }

    fn update(&mut self, shown: Shown, bucket: u64, look: u64) {
        let before = std::mem::replace(&mut self.counters, shown.counters);
        if self.live != shown.live {
            self.live = shown.live;
            self.changed = look;
        }
        self.count(&before, bucket, look);
    }

    /// Takes what was counted since then into the history.
    fn count(&mut self, before: &Counters, bucket: u64, look: u64) {
        let since = self.counters.since(before);
        if since.is_empty() {
            return;
        }
        self.changed = look;
        match self.history.back_mut() {
            Some((changed, last)) if last.number == bucket => {
                last.add(since);
                *changed = look;
            }
            _ => {
                if self.history.len() == BUCKETS {
                    self.history.pop_front();
                }
                self.history.push_back((look, since.numbered(bucket)));
            }
        }
    }

    fn write(&self, id: u64, since: u64, to: &mut String) {
        if self.changed <= since {
            return;
        }
        let comma = if to.is_empty() { "" } else { "," };
        // Writing to a string can't fail.
        let _ = write!(to, "{comma}{{\"id\":{id}");
        if self.added > since {
            let _ = write!(to, ",\"fixed\":{}", self.fixed);
        }
        let _ = write!(to, ",\"live\":{},\"history\":[", self.live);
        let mut first = true;
        for (changed, bucket) in &self.history {
            if *changed > since {
                let comma = if first { "" } else { "," };
                let _ = write!(to, "{comma}{bucket}");
                first = false;
            }
        }
        to.push_str("]}");
    }
}

/// One page that is told what changes.
pub(super) struct Watcher {
    board: Arc<Board>,
    page: u64,
    /// The look that it was last told of.
    seen: u64,
    /// The look at which anything was last sent.
    sent: u64,
    /// What the first event says of commands.
    rights: String,
}

impl Watcher {
    pub(super) fn new(board: &Arc<Board>, operator: Option<&str>, commands: bool) -> Option<Self> {
        let most = |pages| (pages < PAGES).then_some(pages + 1);
        board.pages.fetch_update(Relaxed, Relaxed, most).ok()?;
        let mut rows = board.rows();
        rows.next_page += 1;
        let page = rows.next_page;
        drop(rows);
        let rights = serde_json::json!({ "operator": operator, "commands": commands });
        Some(Self {
            board: Arc::clone(board),
            page,
            seen: 0,
            sent: 0,
            rights: rights.to_string(),
        })
    }

    /// Returns the next event, as it goes over the wire. There is always another.
    pub(super) fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<String>> {
        // Outside the lock: a waker is code of the user's.
        let waker = context.waker().clone();
        let mut rows = self.board.rows();
        let (look, at) = (rows.look, rows.at);
        let text = (look > self.seen).then(|| rows.event(self.seen)).flatten();
        let text = text.or_else(|| (look >= self.sent + QUIET).then(String::new));
        let Some(text) = text else {
            self.seen = look;
            let former = rows.wakers.insert(self.page, waker);
            drop(rows);
            catch_panic(|| drop(former));
            return Poll::Pending;
        };
        drop(rows);
        let comma = if text.is_empty() { "" } else { "," };
        let event = if self.seen == 0 {
            let rights = &self.rights;
            format!(
                "retry: 2000\ndata: {{\"at\":{at},\"bucket\":{BUCKET},\"buckets\":{BUCKETS},\"rights\":{rights},{text}}}\n\n"
            )
        } else {
            format!("data: {{\"at\":{at}{comma}{text}}}\n\n")
        };
        self.seen = look;
        self.sent = look;
        Poll::Ready(Some(event))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let waker = self.board.rows().wakers.remove(&self.page);
        self.board.pages.fetch_sub(1, Relaxed);
        catch_panic(|| drop(waker));
    }
}

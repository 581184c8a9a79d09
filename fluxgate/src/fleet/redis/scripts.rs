//! Requests as scripts, and answers from what they return.
//!
//! The scripts do what `store.rs` says, on the server's clock. Each is on one slot.

use redis::{Script, Value};

use super::RedisError;
use crate::{
    Command,
    fleet::{
        circuit_id::{CircuitId, key},
        store::{
            Ballot, Commanded, HEARTBEAT, KEPT, KEPT_CHANGES, Lease, MOST_CHANGES, Notice, Phase,
            Reply, Request, Standing, Terms, Verdict,
        },
    },
};

/// Numbers of scripts are floats: whole up to here.
const LARGEST: u64 = 1 << 53;
/// How many bytes of an answer's text are read.
const LONGEST_TEXT: usize = 512;

/// All scripts, with their hashes.
pub(super) struct Scripts {
    enter: Script,
    leave: Script,
    read: Script,
    vote: Script,
    lease: Script,
    give_back: Script,
    settle: Script,
    command: Script,
    announce: Script,
    beat: Script,
    #[cfg(test)]
    now: Option<super::tests::Now>,
}

/// What to run for a request.
pub(super) struct Invocation<'a> {
    pub(super) script: &'a Script,
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<String>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self::with_code(Script::new)
    }

    fn with_code(script: impl Fn(&str) -> Script) -> Self {
        let circuit = |code| script(&[include_str!("scripts/circuit.lua"), code].concat());
        Self {
            enter: circuit(include_str!("scripts/enter.lua")),
            leave: circuit(include_str!("scripts/leave.lua")),
            read: circuit(include_str!("scripts/read.lua")),
            vote: circuit(include_str!("scripts/vote.lua")),
            lease: circuit(include_str!("scripts/lease.lua")),
            give_back: circuit(include_str!("scripts/give_back.lua")),
            settle: circuit(include_str!("scripts/settle.lua")),
            command: circuit(include_str!("scripts/command.lua")),
            announce: script(include_str!("scripts/announce.lua")),
            beat: script(include_str!("scripts/beat.lua")),
            #[cfg(test)]
            now: None,
        }
    }

    /// Returns the scripts with another clock than the server's.
    #[cfg(test)]
    pub(super) fn on(now: super::tests::Now) -> Self {
        let clock = "local time = redis.call('TIME')\n\
                     local now = time[1] * 1000 + math.floor(time[2] / 1000)\n";
        let mut scripts = Self::with_code(|code| {
            let replaced = code.replacen(clock, "local now = tonumber(ARGV[#ARGV])\n", 1);
            assert!(code != replaced || !code.contains("now"), "{code}");
            Script::new(&replaced)
        });
        scripts.now = Some(now);
        scripts
    }

    /// Returns what to run for a request.
    pub(super) fn invocation(&self, request: &Request) -> Invocation<'_> {
        #[cfg(test)]
        if let Some(now) = &self.now {
            let mut invocation = self.of(request);
            invocation.arguments.push(now.get().to_string());
            return invocation;
        }
        self.of(request)
    }

    fn of(&self, request: &Request) -> Invocation<'_> {
        let of_circuit = |script, circuit: &CircuitId, arguments: &[&dyn ToString]| Invocation {
            script,
            keys: ['s', 'v', 'm', 'p'].map(|kind| circuit.key(kind)).into(),
            arguments: [channel(circuit)]
                .into_iter()
                .chain(arguments.iter().map(|argument| argument.to_string()))
                .collect(),
        };
        match request {
            Request::Enter {
                circuit,
                instance,
                lifetime,
            } => of_circuit(&self.enter, circuit, &[instance, lifetime]),
            Request::Leave { circuit, instance } => of_circuit(&self.leave, circuit, &[instance]),
            Request::Read { circuit } => of_circuit(&self.read, circuit, &[]),
            Request::Vote {
                circuit,
                instance,
                terms,
            } => {
                let Terms {
                    share,
                    at_least,
                    within,
                    cooldown,
                    longest,
                    probes,
                    lease,
                    close_after,
                    hash,
                } = terms;
                let arguments: [&dyn ToString; 10] = [
                    instance,
                    share,
                    at_least,
                    within,
                    cooldown,
                    longest,
                    probes,
                    lease,
                    close_after,
                    hash,
                ];
                of_circuit(&self.vote, circuit, &arguments)
            }
            Request::Lease {
                circuit,
                instance,
                epoch,
            } => of_circuit(&self.lease, circuit, &[instance, epoch]),
            Request::GiveBack {
                circuit,
                instance,
                epoch,
                token,
            } => of_circuit(&self.give_back, circuit, &[instance, epoch, token]),
            Request::Settle {
                circuit,
                instance,
                epoch,
                token,
                passed,
            } => {
                let passed = u8::from(*passed);
                of_circuit(&self.settle, circuit, &[instance, epoch, token, &passed])
            }
            Request::Command {
                circuit,
                command,
                by,
            } => {
                let command = command.map_or(WITHDRAWN, Command::as_str);
                of_circuit(&self.command, circuit, &[&command, by])
            }
            Request::Announce { circuit } => Invocation {
                script: &self.announce,
                keys: vec![key(circuit.fleet(), 'c')],
                arguments: vec![
                    circuit.entry().to_owned(),
                    KEPT_CHANGES.to_string(),
                    KEPT.to_string(),
                ],
            },
            Request::Beat {
                fleet,
                instance,
                since,
            } => Invocation {
                script: &self.beat,
                keys: vec![key(fleet, 'c'), key(fleet, 'a')],
                arguments: vec![
                    instance.to_string(),
                    since.to_string(),
                    MOST_CHANGES.to_string(),
                    HEARTBEAT.to_string(),
                ],
            },
        }
    }
}

/// Returns the channel of a circuit's notices.
pub(super) fn channel(circuit: &CircuitId) -> String {
    circuit.key('n')
}

/// Returns the answer to a request from what its script returned.
pub(super) fn reply(request: &Request, value: Value) -> Result<Reply, RedisError> {
    read_reply(request, value).ok_or(RedisError::Malformed)
}

fn read_reply(request: &Request, value: Value) -> Option<Reply> {
    Some(match request {
        Request::Leave { .. } | Request::GiveBack { .. } | Request::Announce { .. } => Reply::Done,
        Request::Read { .. } | Request::Command { .. } => Reply::Standing(standing(value)?),
        Request::Enter { .. } => {
            let [of, age] = items(value)?;
            Reply::Entered {
                standing: standing(of)?,
                age: number(&age)?,
            }
        }
        Request::Vote { .. } => {
            let [ballot, votes, needed, of] = items(value)?;
            Reply::Voted {
                ballot: match text(ballot)?.as_str() {
                    "no member" => Ballot::NoMember,
                    "too early" => Ballot::TooEarly,
                    "counted" => Ballot::Counted,
                    "opened" => Ballot::Opened,
                    "open" => Ballot::Open,
                    "dissolved" => Ballot::Dissolved,
                    _ => return None,
                },
                votes: number(&votes)?,
                needed: number(&needed)?,
                standing: standing(of)?,
            }
        }
        Request::Lease { .. } => {
            let [lease, epoch, token, of] = items(value)?;
            Reply::Leased {
                lease: match text(lease)?.as_str() {
                    "granted" => Lease::Granted {
                        epoch: number(&epoch)?,
                        token: number(&token)?,
                    },
                    "full" => Lease::Full,
                    "early" => Lease::Early,
                    "stale" => Lease::Stale,
                    _ => return None,
                },
                standing: standing(of)?,
            }
        }
        Request::Settle { .. } => {
            let [verdict, of] = items(value)?;
            Reply::Settled {
                verdict: match text(verdict)?.as_str() {
                    "pending" => Verdict::Pending,
                    "closed" => Verdict::Closed,
                    "reopened" => Verdict::Reopened,
                    "dissolved" => Verdict::Dissolved,
                    "void" => Verdict::Void,
                    _ => return None,
                },
                standing: standing(of)?,
            }
        }
        Request::Beat { .. } => {
            let [known, last, agents, changes] = items(value)?;
            let Value::Array(changes) = changes else {
                return None;
            };
            Reply::Beat {
                known: number(&known)? == 1,
                number: number(&last)?,
                // One that is no text is no circuit of ours.
                changes: changes
                    .into_iter()
                    .take(MOST_CHANGES)
                    .filter_map(text)
                    .collect(),
                agents: number(&agents)?,
            }
        }
    })
}

/// Returns what is said in a channel. `None` for messages of other versions, and for
/// what is none.
pub(super) fn notice(circuit: CircuitId, message: &str) -> Option<Notice> {
    let message = message.strip_prefix("1 ")?;
    let (kind, fields) = message.split_once(' ')?;
    match kind {
        "half" => {
            let mut fields = fields.split(' ').map(bounded);
            Some(Notice::Half {
                circuit,
                votes: fields.next()??,
                needed: fields.next()??,
                within: fields.next()??,
            })
        }
        "changed" => {
            // Who gave a command may hold blanks.
            let fields: Vec<&str> = fields.splitn(FIELDS, ' ').collect();
            let standing = standing_of(&fields.try_into().ok()?)?;
            Some(Notice::Changed { circuit, standing })
        }
        _ => None,
    }
}

/// How many fields a standing has.
const FIELDS: usize = 16;

fn standing(value: Value) -> Option<Standing> {
    let Value::Array(values) = value else {
        return None;
    };
    let texts: Vec<String> = values.into_iter().map(text).collect::<Option<_>>()?;
    // Later minor versions may add to it.
    let fields: Vec<&str> = texts.iter().take(FIELDS).map(String::as_str).collect();
    standing_of(&fields.try_into().ok()?)
}

fn standing_of(fields: &[&str; FIELDS]) -> Option<Standing> {
    let [
        version,
        epoch,
        phase,
        remaining,
        say,
        wait,
        level,
        votes,
        needed,
        first_ago,
        hash,
        probes,
        lease,
        members,
        command,
        by,
    ] = *fields;
    Some(Standing {
        version: bounded(version)?,
        epoch: bounded(epoch)?,
        phase: match phase {
            "q" => Phase::Quiet,
            "o" => Phase::Open,
            "c" => Phase::Closed,
            "d" => Phase::Dissolved,
            _ => return None,
        },
        remaining: bounded(remaining)?,
        say: bounded(say)?,
        wait: bounded(wait)?,
        level: small(level)?,
        votes: bounded(votes)?,
        needed: bounded(needed)?,
        first_ago: bounded(first_ago)?,
        hash: hash.parse().ok()?,
        probes: small(probes)?,
        lease: bounded(lease)?,
        members: bounded(members)?,
        command: commanded(command, by),
    })
}

/// What a command that was withdrawn is written as.
const WITHDRAWN: &str = "withdrawn";

/// Returns what was commanded, if that is known: a later version may know more commands.
fn commanded(command: &str, by: &str) -> Option<Commanded> {
    let command = match command {
        WITHDRAWN => None,
        command => Some(command.parse().ok()?),
    };
    let by = if by == "-" { "" } else { by }.to_owned();
    Some(Commanded { command, by })
}

/// Returns a whole number that is not negative; what is larger than scripts can count is
/// the largest that they can.
fn bounded(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().map(|number| number.min(LARGEST))
}

fn small(text: &str) -> Option<u32> {
    bounded(text).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number)
            .ok()
            .map(|number| number.min(LARGEST)),
        _ => None,
    }
}

/// Returns a text of bounded length; of a number, its digits.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        Value::BulkString(bytes) if bytes.len() <= LONGEST_TEXT => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) if text.len() <= LONGEST_TEXT => Some(text),
        _ => None,
    }
}

/// Returns the items of an array that has at least so many.
fn items<const N: usize>(value: Value) -> Option<[Value; N]> {
    let Value::Array(mut values) = value else {
        return None;
    };
    values.truncate(N);
    values.try_into().ok()
}

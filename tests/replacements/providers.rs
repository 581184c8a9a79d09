//! Providers of language models in order of preference.
//!
//! Needs: a prompt goes to the best provider that works. One that is down or asks to
//! wait is left out until then. A refusal of the prompt is the caller's to know, and
//! says nothing of the provider. A prompt may be sent twice; a payment may not. When
//! all are out, the error says when to come again, and one call a second tries all the
//! same. It runs in spawned tasks.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use fluxgate::{
    Outcome, State,
    choose::{AllOpen, FailoverError},
    clock::ManualClock,
    keyed::CircuitBreakers,
};

use crate::{MINUTE, SECOND, settings};

#[derive(Clone, Debug, PartialEq)]
enum ModelError {
    Down,
    TooManyRequests { retry_after: Duration },
    PromptRefused,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for ModelError {}

fn outcome(result: &Result<String, ModelError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(ModelError::Down) => Outcome::Failure,
        Err(ModelError::TooManyRequests { retry_after }) => Outcome::OverloadedFor(*retry_after),
        Err(ModelError::PromptRefused) => Outcome::Alive,
    }
}

const PREFERENCE: [&str; 3] = ["large", "small", "local"];

#[derive(Clone)]
struct Models {
    breakers: CircuitBreakers<String>,
    /// How each provider answers.
    moods: Arc<Mutex<HashMap<&'static str, ModelError>>>,
    asked: Arc<Mutex<Vec<&'static str>>>,
}

type Completion = Result<(String, &'static str), FailoverError<&'static str, ModelError>>;

impl Models {
    fn new(clock: &ManualClock) -> Self {
        let clock = clock.clone();
        let breakers = CircuitBreakers::builder("models")
            .settings(move |builder| settings(builder, &clock))
            .build()
            .unwrap();
        Self {
            breakers,
            moods: Arc::default(),
            asked: Arc::default(),
        }
    }

    async fn complete(&self, prompt: &str, idempotent: bool) -> Completion {
        let answer = self
            .breakers
            .failover(PREFERENCE)
            .idempotent(idempotent)
            .when_all_open(AllOpen::LeastWait)
            .with_classifier(outcome)
            .call_async(|provider| self.ask(provider, prompt))
            .await?;
        Ok((answer.value, answer.key))
    }

    async fn ask(&self, provider: &'static str, prompt: &str) -> Result<String, ModelError> {
        tokio::task::yield_now().await;
        self.asked.lock().unwrap().push(provider);
        match self.moods.lock().unwrap().get(provider) {
            None => Ok(prompt.to_uppercase()),
            Some(error) => Err(error.clone()),
        }
    }

    fn set(&self, provider: &'static str, error: ModelError) {
        self.moods.lock().unwrap().insert(provider, error);
    }

    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[tokio::test]
async fn best_provider_that_works_answers() {
    let clock = ManualClock::new();
    let models = Models::new(&clock);
    models.set("large", ModelError::Down);
    for _ in 0..4 {
        let (text, provider) = models.complete("why", true).await.unwrap();
        assert_eq!((&*text, provider), ("WHY", "small"));
    }
    let asked = ["large", "small", "large", "small", "small", "small"];
    assert_eq!(models.asked(), asked, "two failures, and it is left out");
    models.moods.lock().unwrap().clear();
    clock.advance(MINUTE);
    let (_, provider) = models.complete("why", true).await.unwrap();
    assert_eq!(provider, "large", "ordinary traffic probes it");
}

#[tokio::test]
async fn provider_that_asks_to_wait_is_left_alone() {
    let clock = ManualClock::new();
    let models = Models::new(&clock);
    let retry_after = 200 * SECOND;
    models.set("large", ModelError::TooManyRequests { retry_after });
    for _ in 0..2 {
        models.complete("why", true).await.unwrap();
    }
    let wait = models.breakers.get("large").info().retry_after;
    assert_eq!(wait, Some(retry_after), "longer than the policy's");
}

#[tokio::test]
async fn refused_prompt_goes_back_at_once() {
    let models = Models::new(&ManualClock::new());
    models.set("large", ModelError::PromptRefused);
    for _ in 0..10 {
        let error = models.complete("bomb", true).await.unwrap_err();
        assert_eq!(error.into_error(), Some(ModelError::PromptRefused));
    }
    assert_eq!(models.asked(), ["large"; 10]);
    assert_eq!(models.breakers.get("large").state(), State::Closed);
}

#[tokio::test]
async fn what_must_not_happen_twice_does_not() {
    let models = Models::new(&ManualClock::new());
    models.set("large", ModelError::Down);
    let error = models.complete("pay", false).await.unwrap_err();
    assert_eq!(error.into_error(), Some(ModelError::Down));
    assert_eq!(models.asked(), ["large"]);
}

#[tokio::test]
async fn error_tells_when_to_come_again() {
    let clock = ManualClock::new();
    let models = Models::new(&clock);
    for provider in PREFERENCE {
        models.set(provider, ModelError::Down);
        for _ in 0..2 {
            let _ = models
                .breakers
                .get(provider)
                .try_call(|| Err::<(), _>(ModelError::Down));
        }
        clock.advance(SECOND);
    }
    // One a second tries the least wait, and fails.
    let tried = models.complete("why", true).await.unwrap_err();
    assert!(matches!(tried, FailoverError::Failed { key: "large", .. }));
    let refused = models.complete("why", true).await.unwrap_err();
    assert!(matches!(refused, FailoverError::Refused { .. }));
    assert_eq!(refused.retry_after(), Some(57 * SECOND));
    let text = refused.to_string();
    for provider in PREFERENCE {
        assert!(text.contains(&format!("models/{provider}")), "{text}");
    }
    // It works again: the next that tries ends the outage before the wait does.
    models.moods.lock().unwrap().clear();
    clock.advance(SECOND);
    assert_eq!(models.complete("why", true).await.unwrap().1, "large");
    assert_eq!(models.breakers.get("large").state(), State::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prompts_are_sent_from_spawned_tasks() {
    let models = Models::new(&ManualClock::new());
    let tasks: Vec<_> = (0..50)
        .map(|i| {
            let models = models.clone();
            tokio::spawn(async move {
                let prompt = format!("prompt {i}");
                let answer = models.complete(&prompt, true).await;
                answer
                    .map(|(text, _)| text)
                    .map_err(|error| error.to_string())
            })
        })
        .collect();
    for (i, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap(), format!("PROMPT {i}"));
    }
}

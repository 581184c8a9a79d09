//! A browser without a window, driven by chromedriver.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use fantoccini::{
    Client, ClientBuilder,
    actions::{InputSource as _, KeyAction, KeyActions},
    wd::WebDriverCompatibleCommand,
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};

/// How long anything may take that the browser or the server does. It decides no test:
/// what is waited for is there within seconds, or never.
const LIMIT: Duration = Duration::from_secs(60);

/// One browser with one window.
pub(crate) struct Browser {
    client: Client,
    driver: Driver,
}

impl Browser {
    pub(crate) async fn open() -> Self {
        let driver = Driver::start();
        let arguments = [
            "--headless=new",
            // In a container there is neither a sandbox nor a GPU.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            // Whatever a page tries: only this machine is reached.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--force-device-scale-factor=1",
            "--hide-scrollbars",
            "--lang=en-GB",
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = builder.connect(&driver.url()).await;
        let browser = Self {
            client: client.expect("a session of chromedriver"),
            driver,
        };
        browser.desk().await;
        browser
    }

    /// Makes the window as large as one on a desk.
    pub(crate) async fn desk(&self) {
        self.size(1280, 800, false).await;
    }

    /// Makes the window as large as a phone.
    pub(crate) async fn phone(&self) {
        self.size(390, 844, true).await;
    }

    pub(crate) async fn size(&self, width: u32, height: u32, mobile: bool) {
        let factor = if mobile { 2 } else { 1 };
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": factor, "mobile": mobile,
        });
        self.command("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    pub(crate) async fn dark(&self, is: bool) {
        let scheme = if is { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.command(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
        .await;
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect(url);
    }

    /// Runs the body of a function in the page and returns what it returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.run_with(script, Vec::new()).await
    }

    pub(crate) async fn run_with(&self, script: &str, arguments: Vec<Value>) -> Value {
        let result = self.client.execute(script, arguments).await;
        result.unwrap_or_else(|error| panic!("{error}\n{script}"))
    }

    /// Returns the value of an expression as text.
    pub(crate) async fn text(&self, expression: &str) -> String {
        let value = self.run(&format!("return String({expression})")).await;
        value.as_str().unwrap().to_owned()
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!("return !!({expression})");
        let began = Instant::now();
        while self.run(&script).await != true {
            if began.elapsed() > LIMIT {
                let page = self.text("document.body.innerText").await;
                panic!("it never came to this: {expression}\n{page}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Presses keys, one after the other; of the private use area those that `WebDriver`
    /// names.
    pub(crate) async fn press(&self, keys: &[char]) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for key in keys {
            actions = actions
                .then(KeyAction::Down { value: *key })
                .then(KeyAction::Up { value: *key });
        }
        self.client.perform_actions(actions).await.expect("keys");
    }

    /// Presses Tab with Shift.
    pub(crate) async fn press_back(&self) {
        use fantoccini::key::Key;
        let (shift, tab) = (char::from(Key::Shift), char::from(Key::Tab));
        let actions = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: shift })
            .then(KeyAction::Down { value: tab })
            .then(KeyAction::Up { value: tab })
            .then(KeyAction::Up { value: shift });
        self.client.perform_actions(actions).await.expect("keys");
    }

    /// Clicks what a selector finds, as a mouse would: it has to be in sight, and nothing
    /// before it.
    pub(crate) async fn click(&self, selector: &str) {
        let locator = fantoccini::Locator::Css(selector);
        let element = self.client.wait().for_element(locator).await;
        element.expect(selector).click().await.expect(selector);
    }

    /// Gives a command of the browser's developer tools.
    pub(crate) async fn command(&self, command: &'static str, parameters: Value) -> Value {
        let command = DevTools {
            command,
            parameters,
        };
        let answer = self.client.issue_cmd(command.clone()).await;
        answer.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Returns what was written to the console since it was last asked, but for what
    /// only tells how things are.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(ConsoleLog).await;
        let log = log.expect("the log of the browser");
        let entries = log.as_array().unwrap().iter();
        let told = ["INFO", "DEBUG"];
        let bad = entries.filter(|entry| !told.iter().any(|level| entry["level"] == *level));
        bad.map(|entry| entry["message"].to_string()).collect()
    }

    /// Returns the window as a picture in the format `webp`.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        use base64::Engine as _;
        let format = json!({ "format": "webp", "quality": 85 });
        let answer = self.command("Page.captureScreenshot", format).await;
        let data = answer["data"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(data);
        bytes.unwrap()
    }

    /// Ends the browser; nothing may have been complained of.
    pub(crate) async fn close(self) {
        assert_eq!(self.complaints().await, [""; 0]);
        self.client.close().await.expect("the session ends");
        drop(self.driver);
    }
}

/// The process `chromedriver`, and the browsers that it started.
struct Driver {
    process: Child,
    address: String,
}

impl Driver {
    fn start() -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| {
            panic!("can't start chromedriver: {error}; use tests/browser/run")
        });
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // What it says later is read and dropped, so that the pipe does not fill.
        std::thread::spawn(move || lines.for_each(drop));
        let port = port.expect("a port of chromedriver");
        Self {
            process,
            address: format!("127.0.0.1:{port}"),
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks it to end, with its browsers.
    fn shut_down(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(&self.address)?;
        let request = format!("GET /shutdown HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes())
    }
}

/// Also when a test fails no browser is left.
impl Drop for Driver {
    fn drop(&mut self) {
        let asked = self.shut_down().is_ok();
        let began = Instant::now();
        while asked && began.elapsed() < Duration::from_secs(10) {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command of the protocol of the developer tools.
#[derive(Clone, Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        let session = session.expect("a session");
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (Method::POST, Some(body.to_string()))
    }
}

/// What was written to the console since this was last asked.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        let session = session.expect("a session");
        base.join(&format!("session/{session}/se/log"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

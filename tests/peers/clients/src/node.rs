//! A node with the document of a hundred flags.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

const TOKEN: &str = "token-of-the-tests";
/// Ends a wait that is in vain.
const BOUND: Duration = Duration::from_secs(30);

/// A running node.
#[derive(Debug)]
pub struct Node {
    process: Child,
    data: tempfile::TempDir,
    /// Where it serves HTTP.
    pub http: String,
    /// Where it serves flagd's services.
    pub grpc: String,
}

/// Where the document and its cases are.
#[must_use]
pub fn vectors(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(name)
}

/// Asks until it is so.
pub async fn until<F: AsyncFnMut() -> bool>(what: &str, mut probe: F) {
    let start = Instant::now();
    while !probe().await {
        assert!(start.elapsed() < BOUND, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Node {
    /// Starts one; `BURGEE_BIN` names the program.
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let (process, http, grpc) = spawn(&data, "127.0.0.1:0", "127.0.0.1:0");
        let node = Self { process, data, http, grpc };
        node.is_ready().await;
        node
    }

    async fn is_ready(&self) {
        until("ready", async || ureq::get(format!("http://{}/readyz", self.http)).call().is_ok()).await;
    }

    /// `kill -9`, then the same node again at the same addresses.
    pub async fn restart(&mut self) {
        self.kill();
        let (process, ..) = spawn(&self.data, &self.http, &self.grpc);
        self.process = process;
        self.is_ready().await;
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// What the node answers for all flags, by OFREP.
    #[must_use]
    pub fn all(&self, context: &Json) -> Vec<Json> {
        let url = format!("http://{}/e/demo/development/ofrep/v1/evaluate/flags", self.http);
        let request = ureq::post(url).header("authorization", format!("Bearer {TOKEN}"));
        let mut answer = request.send_json(json!({ "context": context })).expect("an answer");
        let body: Json = answer.body_mut().read_json().expect("JSON");
        body["flags"].as_array().cloned().unwrap_or_default()
    }

    /// Deletes a flag.
    pub fn delete(&self, flag: &str) {
        let request = ureq::delete(format!("http://{}/api/v1/tenants/demo/flags/{flag}", self.http));
        request.header("authorization", format!("Bearer {TOKEN}")).call().expect("an answer");
    }

    /// Sets the default variant of `static-boolean-0`.
    pub fn default_variant(&self, variant: &str) {
        let path = "api/v1/tenants/demo/flags/static-boolean-0/environments/development";
        let request = ureq::patch(format!("http://{}/{path}", self.http));
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        request.send_json(json!({ "defaultVariant": variant })).expect("an answer");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(data: &tempfile::TempDir, http: &str, grpc: &str) -> (Child, String, String) {
    let program = std::env::var_os("BURGEE_BIN").expect("BURGEE_BIN names the program");
    let place = format!("demo/development={}", vectors("hundred.json").display());
    let mut command = Command::new(program);
    command.args(["serve", "--announce", "--listen", http, "--grpc-listen", grpc, "--admin-token", TOKEN]);
    command.args(["--import", &place, "--grpc-open", "demo/development", "--data-dir"]).arg(data.path());
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("the announcement");
    let said: Json = serde_json::from_str(&line).expect("JSON");
    let address = |name: &str| said[name].as_str().expect("an address").to_owned();
    (process, address("http"), address("grpc"))
}

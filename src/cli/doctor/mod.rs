//! `spherescope doctor`: can this machine's graphics adapter be trusted with the numbers?

mod checks;

use std::{fmt::Write, path::PathBuf};

use anyhow::bail;
use serde::Serialize;

use super::{
    output::{self, Bar},
    table::columns,
};
use crate::{
    compute::{
        self, AdapterDetails, Compute, DevicePolicy, DeviceReport,
        selftest::{self, Check, SelfTest},
    },
    progress::Progress,
};

/// Where long lines of the text are broken.
const WIDTH: usize = 100;

/// Flags of `doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Writes the findings as JSON; "-" is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Everything that was found out.
#[derive(Debug, Serialize)]
struct Diagnosis {
    /// Version of the program.
    version: &'static str,
    /// Threads that the CPU backend may use.
    cpu_threads: usize,
    /// Every adapter that answers without a window.
    adapters: Vec<AdapterDetails>,
    /// The device that `--device` came to, with the reason.
    device: Option<DeviceReport>,
    /// Why there is no such device.
    failure: Option<String>,
    /// That device against the CPU.
    self_test: Option<SelfTest>,
}

/// Runs `doctor`: prints adapters, the chosen device with the reason, and the self-test.
///
/// # Errors
/// No device under `--device gpu`, a self-test that did not pass, or JSON that cannot be written;
/// what was found is printed in any case.
pub fn run(args: &DoctorArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let bar = Bar::new();
    let diagnosis = diagnose(policy, &bar.progress());
    bar.finish();
    let diagnosis = diagnosis?;
    let mut prints_text = true;
    if let Some(path) = &args.json {
        output::write_json(path, &serde_json::to_value(&diagnosis)?)?;
        prints_text = path.as_os_str() != "-";
    }
    if prints_text {
        output::print_line(diagnosis.text().trim_end())?;
    }
    if let Some(failure) = diagnosis.failure {
        bail!(failure);
    }
    if diagnosis.self_test.is_some_and(|test| !test.passed) {
        bail!("the device's results differ from the CPU's: compute with --device cpu");
    }
    Ok(())
}

fn diagnose(policy: DevicePolicy, progress: &Progress) -> anyhow::Result<Diagnosis> {
    let mut diagnosis = Diagnosis {
        version: env!("CARGO_PKG_VERSION"),
        cpu_threads: std::thread::available_parallelism().map_or(1, usize::from),
        adapters: compute::adapters(),
        device: None,
        failure: None,
        self_test: None,
    };
    match Compute::headless(policy) {
        Ok(compute) => {
            diagnosis.device = Some(compute.report().clone());
            diagnosis.self_test = Some(selftest::run(&compute, &checks::CHECKS, progress)?);
        }
        Err(error) => diagnosis.failure = Some(error.to_string()),
    }
    Ok(diagnosis)
}

impl Diagnosis {
    fn text(&self) -> String {
        let mut text = format!(
            "spherescope {} · {} CPU threads\n\nAdapters\n",
            self.version, self.cpu_threads
        );
        if self.adapters.is_empty() {
            text.push_str("  none answered: install a Vulkan driver (Mesa's is enough to draw)\n");
        }
        for adapter in &self.adapters {
            text.push_str(&adapter_text(adapter));
        }
        text.push_str("\nDevice\n");
        if let Some(device) = &self.device {
            text.push_str(&device_text(device));
        }
        if let Some(failure) = &self.failure {
            text.push_str(&wrapped("none", failure));
        }
        if let Some(test) = &self.self_test {
            text.push_str(&self_test_text(test));
        }
        text
    }

    #[cfg(test)]
    fn of(adapters: Vec<AdapterDetails>, test: Option<SelfTest>) -> Self {
        Self {
            version: "0",
            cpu_threads: 2,
            adapters,
            device: test.as_ref().map(|test| test.device.clone()),
            failure: test
                .is_none()
                .then(|| "no graphics adapter to compute on".to_owned()),
            self_test: test,
        }
    }
}

fn adapter_text(adapter: &AdapterDetails) -> String {
    let limits = &adapter.limits;
    let mut text = format!("  {}\n", adapter.report);
    text.push_str(&wrapped("driver", &adapter.report.driver));
    let sizes = format!(
        "buffers to {}, {} of one in a shader, textures to {} px",
        bytes(limits.max_buffer_bytes),
        bytes(limits.max_storage_binding_bytes),
        limits.max_texture_side,
    );
    text.push_str(&wrapped("sizes", &sizes));
    let workgroups = format!(
        "{} threads and {} a workgroup, {} storage buffers a shader",
        limits.max_workgroup_threads,
        bytes(u64::from(limits.max_workgroup_bytes)),
        limits.max_storage_buffers,
    );
    text.push_str(&wrapped("kernels", &workgroups));
    let computes = adapter
        .obstacle()
        .map_or_else(|| "yes".to_owned(), |obstacle| format!("no: {obstacle}"));
    text.push_str(&wrapped("computes", &computes));
    text.push_str(&wrapped("features", &adapter.features.join(" ")));
    text
}

fn device_text(device: &DeviceReport) -> String {
    let mut text = wrapped("asked for", device.policy.as_str());
    text.push_str(&wrapped("chosen", &device.compute));
    if let Some(adapter) = &device.adapter {
        text.push_str(&wrapped("adapter", &adapter.to_string()));
    }
    text.push_str(&wrapped("reason", &device.reason));
    text
}

fn self_test_text(test: &SelfTest) -> String {
    let mut rows = vec![
        ["", "error", "tolerance", "first run", "then", "CPU", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(test.checks.iter().map(check_row));
    let mut text = "\nSelf-test: the device against the CPU backend\n".to_owned();
    for line in columns(&rows).lines() {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
    for check in &test.checks {
        text.push_str(&wrapped(&check.name, &check.what));
        text.push_str(&wrapped(
            "",
            &format!("tolerance: {}", check.tolerance_reason),
        ));
        if let Some(failure) = &check.failure {
            text.push_str(&wrapped("", failure));
        }
    }
    text.push_str(
        "\n  The error is the largest difference over the largest magnitude. \
         The first run compiles kernels.\n",
    );
    if test.device.compute.starts_with("cpu") {
        text.push_str(
            "  Here both sides ran on the CPU, in two ways where there are two (encoder, all \
             pairs);\n  --device gpu tests the adapter.\n",
        );
    }
    let verdict = if test.passed { "passed" } else { "FAILED" };
    let _ = writeln!(text, "\nSelf-test {verdict}");
    text
}

fn check_row(check: &Check) -> Vec<String> {
    vec![
        check.name.clone(),
        check
            .max_relative_error
            .map_or_else(|| "none".to_owned(), relative),
        format!("{:.0e}", check.tolerance),
        milliseconds(check.first_ms),
        milliseconds(check.device_ms),
        milliseconds(check.cpu_ms),
        if check.passed { "passed" } else { "FAILED" }.to_owned(),
    ]
}

/// Two digits; agreement to the last bit is a plain zero.
fn relative(error: f64) -> String {
    if error == 0.0 {
        "0".to_owned()
    } else {
        format!("{error:.1e}")
    }
}

/// Three digits, in the unit that shows them.
fn milliseconds(ms: f64) -> String {
    if ms >= 1000.0 {
        format!("{:.1} s", ms / 1000.0)
    } else if ms >= 10.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.2} ms")
    }
}

/// Bytes in the largest binary unit that leaves at least one.
fn bytes(count: u64) -> String {
    let mut value = count as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    let tenths = (value * 10.0).round() / 10.0;
    format!("{tenths} {unit}")
}

/// A labelled paragraph, broken at [`WIDTH`] between words and indented under itself.
fn wrapped(label: &str, paragraph: &str) -> String {
    const INDENT: usize = 18;
    let mut text = format!("    {label:<width$}", width = INDENT - 4);
    let mut column = text.chars().count();
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        if column > INDENT && column + length > WIDTH {
            text.truncate(text.trim_end().len());
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', INDENT));
            column = INDENT;
        }
        text.push_str(word);
        text.push(' ');
        column += length + 1;
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_diagnosed_in_text_and_json() {
        let diagnosis =
            diagnose(DevicePolicy::Cpu, &Progress::none()).expect("the CPU is always there");
        let text = diagnosis.text();
        for words in [
            "Adapters",
            "cpu (flex)",
            "the CPU was asked for",
            "Self-test passed",
        ] {
            assert!(text.contains(words), "{words} is missing:\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH + 1),
            "{text}"
        );
        let json = serde_json::to_value(&diagnosis).expect("plain data");
        assert_eq!(json["device"]["policy"], "cpu");
        assert_eq!(json["self_test"]["checks"][1]["name"], "uniformity");
        assert_eq!(json["self_test"]["passed"], true);
    }

    #[test]
    fn nothing_found_is_said() {
        let text = Diagnosis::of(Vec::new(), None).text();
        assert!(text.contains("install a Vulkan driver"), "{text}");
        assert!(text.contains("no graphics adapter to compute on"), "{text}");
    }

    #[test]
    fn a_failed_check_stands_out() {
        let mut test = diagnose(DevicePolicy::Cpu, &Progress::none())
            .expect("the CPU is always there")
            .self_test
            .expect("a device was chosen");
        test.checks[0].passed = false;
        test.checks[0].max_relative_error = None;
        test.checks[0].failure = Some("on the device: it panicked".to_owned());
        test.passed = false;
        let text = Diagnosis::of(Vec::new(), Some(test)).text();
        assert!(text.contains("Self-test FAILED"), "{text}");
        assert!(text.contains("it panicked"), "{text}");
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(relative(0.0), "0");
        assert_eq!(relative(2.66e-7), "2.7e-7");
        assert_eq!(milliseconds(12_345.0), "12.3 s");
        assert_eq!(milliseconds(12.3), "12 ms");
        assert_eq!(milliseconds(0.123), "0.12 ms");
        assert_eq!(bytes(128 << 20), "128 MiB");
        assert_eq!(bytes(3 << 29), "1.5 GiB");
        assert_eq!(bytes(4_294_967_295), "4 GiB");
        assert_eq!(bytes(7), "7 B");
    }

    #[test]
    fn paragraphs_break_between_words() {
        let text = wrapped("features", &"FEATURE_NAME ".repeat(20));
        let mut lines = text.lines();
        assert!(
            lines
                .next()
                .is_some_and(|line| line.starts_with("    features      FEATURE"))
        );
        assert!(lines.all(|line| line.starts_with(&" ".repeat(18)) && line.len() <= WIDTH));
    }
}

//! Which adapter computes, and why: a pure function of what the machine offers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::ComputeError;

/// What the user asked for with `--device`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum DevicePolicy {
    /// A hardware GPU when there is one that can compute, else the CPU.
    #[default]
    Auto,
    /// A wgpu device in any case, be it a slow software adapter.
    Gpu,
    /// The CPU in any case; a GPU only draws.
    Cpu,
}

impl DevicePolicy {
    /// The word of the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
        }
    }
}

impl fmt::Display for DevicePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DevicePolicy {
    type Err = String;

    /// # Errors
    /// Any word but `auto`, `gpu` and `cpu` (in either case).
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Auto, Self::Gpu, Self::Cpu]
            .into_iter()
            .find(|policy| policy.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| format!("“{word}” is none of auto, gpu, cpu"))
    }
}

/// What kind of hardware stands behind an adapter. The order is the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// The CPU pretends to be a GPU (Mesa's llvmpipe, Windows' WARP).
    Software,
    /// The driver does not tell.
    Other,
    /// A share of a GPU, handed to a virtual machine.
    Virtual,
    /// A GPU that shares the CPU's memory.
    Integrated,
    /// A GPU with memory of its own.
    Discrete,
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Software => "software",
            Self::Other => "other",
            Self::Virtual => "virtual",
            Self::Integrated => "integrated",
            Self::Discrete => "discrete",
        })
    }
}

/// Which adapter it is: enough for a status bar and for the provenance of a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterReport {
    /// The marketing name, as the driver gives it.
    pub name: String,
    /// The graphics interface it is reached by: `vulkan`, `metal`, `dx12` or `gl`.
    pub backend: String,
    /// What hardware it is.
    pub kind: AdapterKind,
    /// Name and version of the driver; may be empty.
    pub driver: String,
}

impl fmt::Display for AdapterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}, {}]", self.name, self.kind, self.backend)
    }
}

/// The limits of an adapter that decide what it can compute and draw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterLimits {
    /// Largest buffer, in bytes.
    pub max_buffer_bytes: u64,
    /// Largest part of a buffer that a shader sees at once, in bytes.
    pub max_storage_binding_bytes: u64,
    /// Buffers that one shader may read and write.
    pub max_storage_buffers: u32,
    /// Threads in one workgroup.
    pub max_workgroup_threads: u32,
    /// Memory that the threads of a workgroup share, in bytes.
    pub max_workgroup_bytes: u32,
    /// Longest side of a texture, in pixels.
    pub max_texture_side: u32,
}

/// All that `doctor` tells of an adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterDetails {
    /// Which one it is.
    #[serde(flatten)]
    pub report: AdapterReport,
    /// Names of the optional features it offers.
    pub features: Vec<String>,
    /// What it can hold.
    pub limits: AdapterLimits,
    /// Whether it runs compute shaders at all.
    pub has_compute_shaders: bool,
}

impl AdapterDetails {
    /// Why kernels cannot run here, in words; `None` when they can.
    ///
    /// The floors are those of WebGPU's default limits, which every kernel of the tensor library
    /// is written against.
    pub fn obstacle(&self) -> Option<String> {
        if self.report.backend == "gl" {
            return Some("OpenGL is drawn with, not computed with".to_owned());
        }
        if !self.has_compute_shaders {
            return Some("it runs no compute shaders".to_owned());
        }
        let floors = [
            (
                "storage buffers a shader",
                self.limits.max_storage_buffers,
                8,
            ),
            (
                "threads a workgroup",
                self.limits.max_workgroup_threads,
                256,
            ),
            (
                "bytes of workgroup memory",
                self.limits.max_workgroup_bytes,
                16 << 10,
            ),
        ];
        floors
            .into_iter()
            .find(|&(_, has, needs)| has < needs)
            .map(|(what, has, needs)| format!("it has {has} {what} where {needs} are needed"))
    }

    fn is_software(&self) -> bool {
        self.report.kind == AdapterKind::Software
    }
}

/// The outcome of [`choose`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Index of the adapter to compute on; `None` is the CPU.
    pub adapter: Option<usize>,
    /// Why, as a sentence for the status bar and the reports.
    pub reason: String,
}

impl Choice {
    fn cpu(reason: impl Into<String>) -> Self {
        Self {
            adapter: None,
            reason: reason.into(),
        }
    }
}

/// Chooses where to compute.
///
/// `auto` takes the strongest hardware adapter that can compute, else the CPU: a software adapter
/// computes several times slower than the CPU backend does on the same cores. `gpu` takes a
/// software adapter too and says so. `cpu` takes none.
///
/// # Errors
/// [`ComputeError::NoAdapter`] when `gpu` was asked for and no adapter can compute.
pub fn choose(policy: DevicePolicy, adapters: &[AdapterDetails]) -> Result<Choice, ComputeError> {
    if policy == DevicePolicy::Cpu {
        return Ok(Choice::cpu("the CPU was asked for"));
    }
    if let Some(index) = strongest(adapters, |adapter| adapter.obstacle().is_none()) {
        let adapter = &adapters[index];
        let report = &adapter.report;
        return Ok(match (policy, adapter.is_software()) {
            (DevicePolicy::Gpu, false) => Choice {
                adapter: Some(index),
                reason: format!("a GPU was asked for: {report}"),
            },
            (DevicePolicy::Gpu, true) => Choice {
                adapter: Some(index),
                reason: format!(
                    "a GPU was asked for and {report} is the only adapter: it is software, \
                     slower than the CPU backend"
                ),
            },
            (_, false) => Choice {
                adapter: Some(index),
                reason: format!("a hardware GPU was found: {report}"),
            },
            (_, true) => Choice::cpu(unused_hardware(adapters).unwrap_or_else(|| {
                format!("{report} is software: it draws, and the CPU backend computes faster")
            })),
        });
    }
    let reason = unused_hardware(adapters)
        .or_else(|| unfit(adapters, |_| true))
        .unwrap_or_else(|| "no graphics adapter was found".to_owned());
    if policy == DevicePolicy::Gpu {
        Err(ComputeError::NoAdapter { reason })
    } else {
        Ok(Choice::cpu(reason))
    }
}

/// The index of the best adapter that `fits`; the first of equals.
fn strongest(adapters: &[AdapterDetails], fits: impl Fn(&AdapterDetails) -> bool) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (index, adapter) in adapters.iter().enumerate() {
        let is_better = best.is_none_or(|best| adapter.report.kind > adapters[best].report.kind);
        if fits(adapter) && is_better {
            best = Some(index);
        }
    }
    best
}

/// Says why the strongest hardware adapter, if any, was passed over.
fn unused_hardware(adapters: &[AdapterDetails]) -> Option<String> {
    unfit(adapters, |adapter| !adapter.is_software())
}

fn unfit(adapters: &[AdapterDetails], among: impl Fn(&AdapterDetails) -> bool) -> Option<String> {
    let adapter = &adapters[strongest(adapters, among)?];
    let obstacle = adapter.obstacle()?;
    Some(format!("{} is not computed on: {obstacle}", adapter.report))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, kind: AdapterKind, backend: &str) -> AdapterDetails {
        AdapterDetails {
            report: AdapterReport {
                name: name.to_owned(),
                backend: backend.to_owned(),
                kind,
                driver: "driver 1".to_owned(),
            },
            features: Vec::new(),
            limits: AdapterLimits {
                max_buffer_bytes: 1 << 30,
                max_storage_binding_bytes: 1 << 30,
                max_storage_buffers: 16,
                max_workgroup_threads: 1024,
                max_workgroup_bytes: 32 << 10,
                max_texture_side: 16384,
            },
            has_compute_shaders: true,
        }
    }

    #[test]
    fn the_table_of_choices_holds() {
        use AdapterKind::{Discrete, Integrated, Software};
        use DevicePolicy::{Auto, Cpu, Gpu};
        let soft = || adapter("llvmpipe", Software, "vulkan");
        let chip = || adapter("chip", Integrated, "vulkan");
        let card = || adapter("card", Discrete, "vulkan");
        let gl = || adapter("old", Discrete, "gl");
        let table: Vec<(DevicePolicy, Vec<AdapterDetails>, Option<usize>, &str)> = vec![
            (Auto, vec![], None, "no graphics adapter"),
            (Auto, vec![soft()], None, "is software"),
            (
                Auto,
                vec![soft(), chip(), card()],
                Some(2),
                "card [discrete, vulkan]",
            ),
            (Auto, vec![card(), card()], Some(0), "hardware GPU"),
            (Auto, vec![gl()], None, "OpenGL"),
            (Auto, vec![soft(), gl()], None, "OpenGL"),
            (Auto, vec![gl(), chip()], Some(1), "chip"),
            (Cpu, vec![card()], None, "CPU was asked for"),
            (Gpu, vec![soft()], Some(0), "it is software"),
            (Gpu, vec![soft(), chip()], Some(1), "a GPU was asked for"),
        ];
        for (policy, adapters, wanted, words) in table {
            let choice = choose(policy, &adapters).expect("the row has an outcome");
            assert_eq!(choice.adapter, wanted, "{policy} on {adapters:?}");
            assert!(choice.reason.contains(words), "{policy}: {}", choice.reason);
        }
    }

    #[test]
    fn insisting_on_a_gpu_fails_with_the_reason() {
        for (adapters, words) in [
            (vec![], "no graphics adapter was found"),
            (
                vec![adapter("old", AdapterKind::Integrated, "gl")],
                "OpenGL",
            ),
        ] {
            let error = choose(DevicePolicy::Gpu, &adapters).expect_err("nothing can compute");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_weak_adapter_is_refused_with_its_figures() {
        let mut weak = adapter("weak", AdapterKind::Integrated, "vulkan");
        weak.limits.max_storage_buffers = 4;
        let choice = choose(DevicePolicy::Auto, &[weak]).expect("falls to the CPU");
        assert_eq!(choice.adapter, None);
        assert!(
            choice.reason.contains("4 storage buffers"),
            "{}",
            choice.reason
        );
    }

    #[test]
    fn policies_parse_and_print() {
        for policy in [DevicePolicy::Auto, DevicePolicy::Gpu, DevicePolicy::Cpu] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert_eq!("GPU".parse(), Ok(DevicePolicy::Gpu));
        assert!("cuda".parse::<DevicePolicy>().is_err());
    }
}

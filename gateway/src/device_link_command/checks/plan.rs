//! The dosing plan: all or nothing.

use varde_device_link::{Answer, Capabilities, Dose, Plan, PlanHead, Refusal, Request};
use varde_link::Link;

use super::super::bench::{Bench, Failed, expect};

/// Doses of the plans that are sent: three parts.
const DOSES: u16 = 20;

pub(super) async fn committed<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let plan = run_a_plan(bench).await?;
    let version = plan.version();
    bench.state(&format!("a State with plan {version}"), |state| state.plan == Some(version)).await?;
    for part in 0..plan.parts() {
        let copy = bench.read_plan(part).await?;
        let is_same =
            copy.as_ref().is_some_and(|copy| copy.head == *plan.head() && copy.part == plan.part(part));
        expect(&format!("part {part} of plan {version} as it was sent"), is_same, &copy)?;
    }
    // Its answer was lost, and the gateway sends all of it again.
    let answer = send(bench, &plan, plan.digest()).await?;
    expect("the same plan committed again to run", answer == Answer::Runs { version }, &answer)
}

pub(super) async fn half<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let old = run_a_plan(bench).await?;
    let new = another_plan(bench, 600)?;
    begin_half(bench, &new).await?;
    bench.greet().await?;
    let commit = Request::CommitPlan { version: new.version(), digest: new.digest() };
    let answer = bench.ask(commit).await?;
    expect("a commit of half a plan to be refused", matches!(answer, Answer::Refused(_)), &answer)?;
    still_runs(bench, &old).await
}

pub(super) async fn wrong_digest<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let old = run_a_plan(bench).await?;
    let new = another_plan(bench, 600)?;
    let answer = send(bench, &new, !new.digest()).await?;
    let expected = Answer::Refused(Refusal::PlanDiffers);
    expect(&format!("{expected:?} to a wrong digest"), answer == expected, &answer)?;
    still_runs(bench, &old).await
}

pub(super) async fn out_of_order<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let old = run_a_plan(bench).await?;
    let new = another_plan(bench, 600)?;
    bench.ask(Request::BeginPlan(*new.head())).await?;
    let answer = bench.ask(Request::PlanDoses(new.part(1))).await?;
    let expected = Answer::Refused(Refusal::NothingPrepared);
    expect(&format!("{expected:?} to the second part without the first"), answer == expected, &answer)?;
    still_runs(bench, &old).await
}

pub(super) async fn bad<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let old = run_a_plan(bench).await?;
    let version = old.version().wrapping_add(1);
    // As a gateway would never send it: the same id twice.
    let twice = dose(1, 600);
    let head = PlanHead { version, doses: 2, ..head(version) };
    bench.ask(Request::BeginPlan(head)).await?;
    let doses = [twice, twice].into_iter().collect();
    bench.ask(Request::PlanDoses(varde_device_link::PlanPart { index: 0, doses })).await?;
    let answer = bench.ask(Request::CommitPlan { version, digest: digest_of(&head, &twice) }).await?;
    expect("a plan with two doses of one id to be refused", matches!(answer, Answer::Refused(_)), &answer)?;
    still_runs(bench, &old).await
}

/// A right digest is not needed: whichever rule is looked at first, the plan is refused.
fn digest_of(head: &PlanHead, dose: &Dose) -> u32 {
    Plan::new(*head, &[*dose]).map_or(0, |plan| plan.digest())
}

/// Sends a plan whole and has it run.
pub(super) async fn run_a_plan<L: Link>(bench: &mut Bench<L>) -> Result<Plan, Failed> {
    bench.greet().await?;
    if !bench.has(Capabilities::PLAN) {
        return Err(Failed::Skipped("runs a dosing plan"));
    }
    let plan = another_plan(bench, 0)?;
    commit(bench, &plan).await?;
    Ok(plan)
}

/// Sends this plan whole, and has it run.
pub(super) async fn commit<L: Link>(bench: &mut Bench<L>, plan: &Plan) -> Result<(), Failed> {
    let answer = send(bench, plan, plan.digest()).await?;
    let expected = Answer::Runs { version: plan.version() };
    expect(&format!("{expected:?} to the commit of a plan"), answer == expected, &answer)
}

/// The beginning of a plan, and its first part.
pub(super) async fn begin_half<L: Link>(bench: &mut Bench<L>, plan: &Plan) -> Result<(), Failed> {
    let answer = bench.ask(Request::BeginPlan(*plan.head())).await?;
    expect("the answer Done to Begin plan", answer == Answer::Done, &answer)?;
    let answer = bench.ask(Request::PlanDoses(plan.part(0))).await?;
    expect("the answer Done to Plan doses", answer == Answer::Done, &answer)
}

/// That this plan runs, and nothing of another.
pub(super) async fn still_runs<L: Link>(bench: &mut Bench<L>, plan: &Plan) -> Result<(), Failed> {
    let copy = bench.read_plan(0).await?;
    let is_same = copy.as_ref().is_some_and(|copy| copy.head == *plan.head() && copy.part == plan.part(0));
    expect(&format!("plan {} to run on", plan.version()), is_same, &copy.map(|copy| copy.head))
}

/// A plan of a version that was not used in this trial, with the first dose at this minute.
pub(super) fn another_plan<L: Link>(bench: &mut Bench<L>, minute: u16) -> Result<Plan, Failed> {
    let doses: Vec<Dose> = (0..DOSES).map(|id| dose(id, minute + id * 30)).collect();
    plan_of(bench, &doses)
}

/// The plan of these doses, of a version that was not used in this trial.
pub(super) fn plan_of<L: Link>(bench: &mut Bench<L>, doses: &[Dose]) -> Result<Plan, Failed> {
    let version = bench.next_number();
    Plan::new(head(version), doses)
        .map_err(|rule| Failed::Differs { expected: "a plan to send".to_owned(), came: rule.to_string() })
}

/// A dose of every day that can be taken for a minute.
pub(super) fn dose(id: u16, minute: u16) -> Dose {
    Dose { id, minute, weekdays: 0x7F, window_min: 1, compartment: None, count: 1 }
}

fn head(version: u32) -> PlanHead {
    PlanHead {
        version,
        doses: 0,
        valid_from: None,
        valid_until: None,
        travel_until_s: None,
        pause_until_s: None,
    }
}

async fn send<L: Link>(bench: &mut Bench<L>, plan: &Plan, digest: u32) -> Result<Answer, Failed> {
    let answer = bench.ask(Request::BeginPlan(*plan.head())).await?;
    expect("the answer Done to Begin plan", answer == Answer::Done, &answer)?;
    for index in 0..plan.parts() {
        let answer = bench.ask(Request::PlanDoses(plan.part(index))).await?;
        expect("the answer Done to Plan doses", answer == Answer::Done, &answer)?;
    }
    bench.ask(Request::CommitPlan { version: plan.version(), digest }).await
}

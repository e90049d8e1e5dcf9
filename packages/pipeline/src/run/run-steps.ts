/**
 * Takes a rank's steps: receives, actions and sends, in the order of the schedule.
 *
 * A send is copied into the transport's mailbox and the rank works on, so it overlaps with the work of both sides. A
 * receive waits: no rank has anything else to do then, because its order of actions is fixed.
 *
 * @packageDocumentation
 */
import { WorldAbortedError } from "@meshwright/core";
import type { StageMessage, Step } from "../communication.ts";
import { PipelineError } from "./pipeline-error.ts";
import type { Pass, PipelineParts } from "./pass.ts";
import type { StepRecorder } from "./step-record.ts";
import { receiveTensor, sendTensor, type Envelope } from "./tensor-message.ts";

/** What happens, to whom, and who notes it. */
export interface RunOptions {
  readonly pass: Pass;
  readonly parts: PipelineParts;
  readonly recorder: StepRecorder;
}

type ActionStep = Extract<Step, { kind: "action" }>;

/**
 * @throws PipelineError if a stage throws; the pass is disposed then.
 * @throws ContractError if the input of a stage does not have the shape that its first layer takes.
 */
export function runSteps(steps: readonly Step[], { pass, parts, recorder }: RunOptions): void {
  try {
    for (const step of steps) {
      switch (step.kind) {
        case "receive":
          pass.mail.put(step.message, receiveTensor(envelope(step.message, step.message.from, parts)));
          break;
        case "action":
          runAction(step, { pass, parts, recorder });
          break;
        case "send":
          send(step.message, pass, parts);
          break;
      }
    }
  } catch (error) {
    pass.dispose();
    throw error;
  }
}

function runAction({ action, stage }: ActionStep, { pass, parts, recorder }: RunOptions): void {
  pass.check(action, stage);
  try {
    recorder.action({ rank: parts.group.rank, ...action, stage }, () => {
      pass.run(action, stage);
    });
  } catch (error) {
    // Stopped from outside: the rank that failed says why.
    if (error instanceof WorldAbortedError) throw error;
    const { kind, microBatch } = action;
    const rank = parts.group.ranks[parts.group.rank]!;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PipelineError(
      `Pipeline: ${kind}${microBatch} of ${parts.stages.get(stage)!.describe()} on rank ${rank} failed: ${reason}`,
      { rank, stage, microBatch, action: kind },
      error,
    );
  }
}

function send(message: StageMessage, pass: Pass, parts: PipelineParts): void {
  const t = pass.mail.take(message);
  try {
    sendTensor(t, envelope(message, message.to, parts));
  } finally {
    t.dispose();
  }
}

function envelope(message: StageMessage, partner: number, parts: PipelineParts): Envelope {
  const { payload, microBatch, stage, tag } = message;
  // Shown by traces, and by the error that names a stage which does not arrive.
  const label = `${payload} of micro-batch ${microBatch} for stage ${stage}`;
  return { group: parts.group, mesh: parts.stageMesh, partner, tag, label };
}

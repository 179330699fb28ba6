/** Why a deletion failed. When no answer came, nobody here knows whether the server did it. */
import { Failed, Notice } from "../../parts/notice";
import { Unreachable } from "../../server";

export function NotDeleted({ error }: { error: unknown }) {
  if (!(error instanceof Unreachable)) return <Failed error={error} />;
  return (
    <Notice kind="bad">
      The workshop's server doesn't answer. It may be gone all the same; try again when the server is back.
    </Notice>
  );
}

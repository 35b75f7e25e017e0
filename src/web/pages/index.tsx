import type { PageKit } from '../page.ts';
import { agentPage } from './agent.tsx';
import { alertsPage } from './alerts.tsx';
import { auditPage } from './audit.tsx';
import { batchesPage, batchPage } from './batch.tsx';
import { batchPlanPage } from './batch-plan.tsx';
import { dlqPage } from './dlq.tsx';
import { Doll } from './doll.tsx';
import { hostPage } from './host.tsx';
import { incidentPage } from './incident.tsx';
import { incidentsPage } from './incidents.tsx';
import { jobPage } from './job.tsx';
import { jobsPage } from './jobs.tsx';
import { logsPage } from './logs.tsx';
import { overviewPage } from './overview.tsx';
import { FaultBox } from './parts.tsx';
import { reportsPage } from './reports.tsx';
import { schedulePage } from './schedule.tsx';
import { Head, plainHtml, Shell } from './shell.tsx';
import { trendsPage } from './trends.tsx';
import { versionsPage } from './versions.tsx';

/** The pages. */
export const KIT: PageKit = {
  pages: [
    overviewPage,
    agentPage,
    jobsPage,
    jobPage,
    incidentsPage,
    incidentPage,
    alertsPage,
    dlqPage,
    batchesPage,
    batchPlanPage,
    batchPage,
    schedulePage,
    versionsPage,
    logsPage,
    reportsPage,
    hostPage,
    auditPage,
    trendsPage,
  ],
  signIn: ({ asset, fault }) => (
    <html lang="en">
      <Head title="Sign in" asset={asset} />
      <body>
        <main class="door">
          <Doll painted={1} words="a daruma doll that waits for its second eye" />
          <h1>daruma</h1>
          {fault && <FaultBox fault={fault} />}
          <p>
            {!fault && 'Nobody has signed in. '}Sign in with the link that this command prints, once for each browser:
          </p>
          <p>
            <code>daruma open</code>
          </p>
        </main>
      </body>
    </html>
  ),
  failed: (call, fault) =>
    plainHtml(
      <Shell call={{ ...call, query: new URLSearchParams() }} title="This page failed" status={undefined}>
        <FaultBox fault={fault} />
        <p>
          <a href="/">To the overview</a>
        </p>
      </Shell>,
    ),
};

import { sha256 } from '../../kernel/sha256.ts';

/** Facts that go into a unit. Paths are absolute. */
export interface UnitFacts {
  folder: string;
  node: string;
  /** Daruma's own `main.js`. */
  main: string;
  /** A service of the user's own systemd, without root. */
  ofUser: boolean;
  /** The user of the processes; null in a user's own systemd. */
  user: string | null;
  /** The host itself speaks to systemd; else `systemd-notify` does it as a child. */
  speaksItself: boolean;
  /** Neither the installation nor its control socket lies in the system's temporary folder. */
  needsNoTmp: boolean;
}

const NAMESPACES = [
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateDevices=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectProc=invisible',
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'KeyringMode=private',
];

/** The control group is delegated, in spite of ProtectControlGroups; a service that was moved to another slice does without. */
const OWN_CGROUP = '-/sys/fs/cgroup/system.slice/%n';

const ALWAYS = [
  'NoNewPrivileges=yes',
  'RestrictSUIDSGID=yes',
  'RestrictRealtime=yes',
  'RestrictNamespaces=yes',
  'LockPersonality=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'SystemCallArchitectures=native',
  'UMask=0077',
];

/** Settings for the end, the stall and the stop of the host, and bounds on its processes. */
const SUPERVISION = `Restart=always
RestartSec=1
# "daruma stop" ends with 0 and means it; 78 is for a person to mend: settings with which no host has ever worked, a store that is gone.
RestartPreventExitStatus=0 78
# A signal of somebody else's is no failure, and no reason to stay down.
SuccessExitStatus=143
WatchdogSec=30
# A host that stands still takes no other signal.
WatchdogSignal=SIGKILL
TimeoutStartSec=90
TimeoutStopSec=30
# Only the host is asked to stop, and finishes what runs; whatever is left after it is killed.
KillMode=mixed
# A cell that takes too much is killed alone; the host tries its jobs again.
OOMPolicy=continue
MemoryMax=75%
TasksMax=4096
# Each command of a plugin gets a cgroup of its own below the service's, which ends with it.
Delegate=yes`;

/**
 * The text of a systemd unit that runs the host of an installation. systemd takes the guardian's place: it starts the
 * host again after its end, and kills a host whose loops stand still.
 */
export function unitText(facts: UnitFacts): string {
  const { folder, node, main, ofUser, user, speaksItself, needsNoTmp } = facts;
  return `# Written by "daruma service install". Changes belong in a drop-in: systemctl edit <this service>
[Unit]
Description=Daruma agents in ${specifiers(folder)}
After=network-online.target
Wants=network-online.target
# It never gives up: the host itself slows down (safe mode) when starts fail.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=${speaksItself ? 'main' : 'all'}
ExecStart=${[node, main, 'host', '--dir', folder].map(word).join(' ')}
WorkingDirectory=${specifiers(folder)}
${user === null ? '' : `User=${user}\n`}Environment=NODE_ENV=production NODE_OPTIONS= NO_COLOR=1
# One line for each secret that a plugin needs; the value is the file's text:
#LoadCredential=SHOP_TOKEN:/etc/daruma/credentials/shop_token

${SUPERVISION}

${ALWAYS.join('\n')}
${ofUser ? '' : `${NAMESPACES.join('\n')}\nPrivateTmp=${needsNoTmp ? 'yes' : 'no'}\nReadWritePaths=${word(folder)} ${OWN_CGROUP}\n`}
[Install]
WantedBy=${ofUser ? 'default.target' : 'multi-user.target'}
`;
}

/** `daruma-my-ops.service`, by the folder's name. */
export function unitName(folder: string): string {
  return `${plainName(folder)}.service`;
}

/** `daruma-my-ops-1f3870be.service`, by the whole path: for a folder whose name another one has. */
export function unitNameByPath(folder: string): string {
  return `${plainName(folder)}-${sha256(folder).slice(0, 8)}.service`;
}

function plainName(folder: string): string {
  const name = folder.split('/').findLast(Boolean) ?? 'root';
  return `daruma-${name.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^-+|-+$/g, '') || 'agents'}`;
}

/** The installation that a unit's text is for; undefined when it is none of ours. */
export function folderOfUnit(text: string): string | undefined {
  return /^WorkingDirectory=(.*)$/m.exec(text)?.[1]?.replaceAll('%%', '%');
}

/** A word of a command line or a list, as systemd reads it. */
function word(text: string): string {
  const plain = specifiers(text).replaceAll('$', '$$$$');
  return /[\s"'\\;]/.test(plain) ? `"${plain.replace(/[\\"]/g, '\\$&')}"` : plain;
}

function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

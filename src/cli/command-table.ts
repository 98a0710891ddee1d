import type { CommandEntry } from './command.js';

/** Every command, in the order of help. The files behind it are loaded one at a time. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: '__complete',
    summary: 'What completion scripts ask',
    hidden: true,
    load: async () => (await import('./commands/complete.js')).completeCommand,
  },
  {
    name: 'attach',
    summary: 'Join the terminal to a running container',
    load: async () => (await import('./commands/attach.js')).attachCommand,
  },
  {
    name: 'build',
    summary: 'Build the images of services',
    load: async () => (await import('./commands/build.js')).buildCommand,
  },
  {
    name: 'ci',
    summary: 'Bring the project up, test it, report, and take it down again',
    load: async () => (await import('./commands/ci.js')).ciCommand,
  },
  {
    name: 'commit',
    summary: 'Make an image of a container',
    load: async () => (await import('./commands/commit.js')).commitCommand,
  },
  {
    name: 'completion',
    summary: 'Print a completion script for bash, zsh or fish',
    load: async () => (await import('./commands/completion.js')).completionCommand,
  },
  {
    name: 'config',
    summary: 'Check the compose files and print the resolved project',
    load: async () => (await import('./commands/config.js')).configCommand,
  },
  {
    name: 'convert',
    summary: 'Another name of config',
    hidden: true,
    load: async () => (await import('./commands/config.js')).configCommand,
  },
  {
    name: 'cp',
    summary: 'Copy files between a container and here',
    load: async () => (await import('./commands/cp.js')).cpCommand,
  },
  {
    name: 'create',
    summary: 'Create containers and start none',
    load: async () => (await import('./commands/create.js')).createCommand,
  },
  {
    name: 'doctor',
    summary: 'Check what the embedded engine needs of this machine',
    load: async () => (await import('./commands/doctor.js')).doctorCommand,
  },
  {
    name: 'down',
    summary: 'Stop and remove containers and networks',
    load: async () => (await import('./commands/down.js')).downCommand,
  },
  {
    name: 'engine',
    summary: 'Start, stop and look at the embedded engine',
    load: async () => (await import('./commands/engine.js')).engineCommands,
  },
  {
    name: 'events',
    summary: 'Show what happens to containers',
    load: async () => (await import('./commands/events.js')).eventsCommand,
  },
  {
    name: 'exec',
    summary: 'Run a command in a running container',
    load: async () => (await import('./commands/exec.js')).execCommand,
  },
  {
    name: 'explain',
    summary: 'Say where values of the project come from',
    load: async () => (await import('./commands/explain.js')).explainCommand,
  },
  {
    name: 'export',
    summary: 'Write the file system of a container as a tar',
    load: async () => (await import('./commands/export.js')).exportCommand,
  },
  {
    name: 'graph',
    summary: 'Draw services, dependencies, networks and volumes',
    load: async () => (await import('./commands/graph.js')).graphCommand,
  },
  {
    name: 'image',
    summary: 'Sign images, and verify who has signed them',
    load: async () => (await import('./commands/image.js')).imageCommands,
  },
  {
    name: 'images',
    summary: 'List the images containers were made from',
    load: async () => (await import('./commands/images.js')).imagesCommand,
  },
  {
    name: 'kill',
    summary: 'Send a signal to running containers',
    load: async () => (await import('./commands/kill.js')).killCommand,
  },
  {
    name: 'lock',
    summary: 'Write down what names of images and branches stand for',
    load: async () => (await import('./commands/lock.js')).lockCommand,
  },
  {
    name: 'logs',
    summary: 'Show what containers wrote',
    load: async () => (await import('./commands/logs.js')).logsCommand,
  },
  {
    name: 'ls',
    summary: 'List the projects on the engine',
    load: async () => (await import('./commands/ls.js')).lsCommand,
  },
  {
    name: 'migrate',
    summary: "Write the compose files in today's format",
    load: async () => (await import('./commands/migrate.js')).migrateCommand,
  },
  {
    name: 'pause',
    summary: 'Freeze running containers',
    load: async () => (await import('./commands/pause.js')).pauseCommand,
  },
  {
    name: 'plan',
    summary: 'Show what up would do, and why',
    load: async () => (await import('./commands/plan.js')).planCommand,
  },
  {
    name: 'port',
    summary: 'Print the public address of a port',
    load: async () => (await import('./commands/port.js')).portCommand,
  },
  {
    name: 'ps',
    summary: 'List containers',
    load: async () => (await import('./commands/ps.js')).psCommand,
  },
  {
    name: 'publish',
    summary: 'Put the project into a registry',
    load: async () => (await import('./commands/publish.js')).publishCommand,
  },
  {
    name: 'pull',
    summary: 'Pull the images of services',
    load: async () => (await import('./commands/pull.js')).pullCommand,
  },
  {
    name: 'push',
    summary: 'Push the images of services',
    load: async () => (await import('./commands/push.js')).pushCommand,
  },
  {
    name: 'restart',
    summary: 'Restart containers',
    load: async () => (await import('./commands/restart.js')).restartCommand,
  },
  {
    name: 'rm',
    summary: 'Remove stopped containers',
    load: async () => (await import('./commands/rm.js')).rmCommand,
  },
  {
    name: 'run',
    summary: 'Run a command in a new container of a service',
    load: async () => (await import('./commands/run.js')).runCommand,
  },
  {
    name: 'scale',
    summary: 'Set the number of containers of services',
    load: async () => (await import('./commands/scale.js')).scaleCommand,
  },
  {
    name: 'start',
    summary: 'Start existing containers',
    load: async () => (await import('./commands/start.js')).startCommand,
  },
  {
    name: 'stats',
    summary: 'Show what containers use',
    load: async () => (await import('./commands/stats.js')).statsCommand,
  },
  {
    name: 'stop',
    summary: 'Stop containers and keep them',
    load: async () => (await import('./commands/stop.js')).stopCommand,
  },
  {
    name: 'system',
    summary: 'Reach the engine from elsewhere',
    load: async () => (await import('./commands/system.js')).systemCommands,
  },
  {
    name: 'top',
    summary: 'Show the processes of containers',
    load: async () => (await import('./commands/top.js')).topCommand,
  },
  {
    name: 'unpause',
    summary: 'Thaw frozen containers',
    load: async () => (await import('./commands/pause.js')).unpauseCommand,
  },
  {
    name: 'up',
    summary: 'Create and start the project',
    load: async () => (await import('./commands/up.js')).upCommand,
  },
  {
    name: 'why',
    summary: 'Tell why services do not run as they should',
    load: async () => (await import('./commands/why.js')).whyCommand,
  },
  {
    name: 'version',
    summary: 'Print the version of tscompose',
    load: async () => (await import('./commands/version.js')).versionCommand,
  },
  {
    name: 'volumes',
    summary: 'List the volumes of the project',
    load: async () => (await import('./commands/volumes.js')).volumesCommand,
  },
  {
    name: 'wait',
    summary: 'Wait until containers of services end',
    load: async () => (await import('./commands/wait.js')).waitCommand,
  },
  {
    name: 'watch',
    summary: 'Bring changed files into running services',
    load: async () => (await import('./commands/watch.js')).watchCommand,
  },
  {
    name: 'alpha',
    summary: 'Experimental commands of docker compose',
    hidden: true,
    load: async () => (await import('./commands/alpha.js')).alphaCommands,
  },
];

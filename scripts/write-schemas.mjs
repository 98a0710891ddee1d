// Writes schemas/*.json: one JSON Schema for each series of the Compose file format, all from the one table below.
// Run it after changing the table: `node scripts/write-schemas.mjs`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const seriesNames = [
  ...[0, 1, 2, 3, 4].map((minor) => `2.${minor}`),
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((minor) => `3.${minor}`),
  'current',
];

/** File name of a series' schema. */
export function schemaFile(series) {
  return series === 'current' ? 'compose-current.json' : `compose-${series}.json`;
}

const resourceName = '^[a-zA-Z0-9._-]+$';

/** `device_requests` → `Device requests` */
function titleOf(name) {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The schema of one series. */
export function composeSchema(series) {
  const current = series === 'current';
  const [line, minor] = current ? [0, 0] : series.split('.').map(Number);
  const v2 = line === 2;
  const v3 = line === 3;
  const never = Infinity;

  /** Whether the series has a key known since 2.`two`, since 3.`three`, and today unless `gone`. */
  const has = (two, three, gone = false) => (current && !gone) || (v2 && minor >= two) || (v3 && minor >= three);

  // --- kinds of values -------------------------------------------------------------------------------------------
  const described = (description, schema) => ({ description, ...schema });
  const text = (description, more = {}) => described(description, { type: 'string', ...more });
  // Today a text is accepted wherever a variable may stand; its meaning is checked after interpolation.
  const native = (type, description, more = {}) =>
    described(description, { type: current ? [type, 'string'] : type, ...more });
  const flag = (description) => native('boolean', description);
  const whole = (description) => native('integer', description);
  const number = (description) => native('number', description);
  const size = (description) => described(description, { type: ['number', 'string'] });
  const ref = (name, description) => ({ ...(description && { description }), $ref: `#/$defs/${name}` });
  const either = (...alternatives) => ({ anyOf: alternatives });
  const texts = (description) => described(description, { type: 'array', items: { type: 'string' } });
  const distinctTexts = (description) =>
    described(description, { type: 'array', items: { type: 'string' }, uniqueItems: true });
  const oneOrMany = (description) => ref('text_or_list', description);
  const anyKeys = (description, values, closed = true) =>
    described(description, {
      type: 'object',
      patternProperties: { '^.+$': values },
      ...(closed && { additionalProperties: false }),
    });

  /** A mapping with fixed keys. `extensions`: whether `x-…` keys are allowed in it. */
  const members = (description, properties, { extensions = current, required, nullable = false, closed = true } = {}) =>
    described(description, {
      type: nullable ? ['object', 'null'] : 'object',
      properties: Object.fromEntries(
        Object.entries(properties).filter(([, schema]) => schema !== undefined && schema !== false),
      ),
      ...(required && { required }),
      ...(extensions && { patternProperties: { '^x-': {} } }),
      ...(closed && { additionalProperties: false }),
    });

  const definitions = {};

  // --- shared shapes ---------------------------------------------------------------------------------------------
  definitions.text_or_list = described(
    'One text, or a list of texts.',
    either({ type: 'string' }, ref('distinct_texts')),
  );
  definitions.distinct_texts = distinctTexts('A list of texts, each given once.');
  const assignable = ['string', 'number', ...(current ? ['boolean'] : []), 'null'];
  definitions.assignments = described(
    'Names and values: a mapping, or a list of NAME=value.',
    either(
      { type: 'object', patternProperties: { '.+': { type: assignable } }, additionalProperties: false },
      { type: 'array', items: { type: 'string' }, uniqueItems: true },
    ),
  );
  // Until 3.5, and in all of 2.x, label values had to be texts.
  const strictLabels = v2 || (v3 && minor < 6);
  if (strictLabels) {
    definitions.labels = described(
      'Labels: a mapping to texts, or a list of NAME=value.',
      either(
        { type: 'object', patternProperties: { '.+': { type: 'string' } }, additionalProperties: false },
        { type: 'array', items: { type: 'string' }, uniqueItems: true },
      ),
    );
  }
  const labels = (description) => ref(strictLabels ? 'labels' : 'assignments', description);
  const commandForms = [{ type: 'string' }, { type: 'array', items: { type: 'string' } }];
  if (current) {
    definitions.command = described(
      "A command: one text in shell quoting, or a list of words; nothing keeps the image's.",
      either({ type: 'null' }, ...commandForms),
    );
  }
  const command = (description) =>
    current ? ref('command', description) : described(description, either(...commandForms));
  definitions.ulimits = described('Resource limits by name, such as nofile.', {
    type: 'object',
    patternProperties: {
      '^[a-z]+$': either(
        whole('Soft and hard limit alike.'),
        members(
          'Soft and hard limit.',
          { soft: whole('Limit the process starts with.'), hard: whole('Limit it may raise itself to.') },
          {
            required: ['soft', 'hard'],
          },
        ),
      ),
    },
  });
  if (current) {
    definitions.extra_hosts = described(
      'Host names and their addresses: a mapping, or a list of HOST=IP.',
      either(
        {
          type: 'object',
          patternProperties: { '.+': either({ type: 'string' }, { type: 'array', items: { type: 'string' } }) },
          additionalProperties: false,
        },
        { type: 'array', items: { type: 'string' }, uniqueItems: true },
      ),
    );
  }
  const extraHosts = (description) => ref(current ? 'extra_hosts' : 'assignments', description);

  if (has(never, 1)) {
    definitions.file_references = described('Configs or secrets granted to a container.', {
      type: 'array',
      items: either(
        { type: 'string', description: 'Name at the top level.' },
        members(
          'A grant in full.',
          {
            source: text('Name at the top level.'),
            target: text('Path in the container, or name of the file.'),
            uid: text('Numeric owner of the file.'),
            gid: text('Numeric group of the file.'),
            mode: number('Permission bits, in octal.'),
          },
          { closed: current },
        ),
      ),
    });
  }
  if (has(0, never)) {
    definitions.blkio_rates = described('Limits for one block device each.', {
      type: 'array',
      items: members(
        'Limit of one device.',
        {
          path: text('Device path.'),
          rate: described('Bytes or operations a second.', { type: ['integer', 'string'] }),
        },
        { extensions: false },
      ),
    });
  }

  // --- build -----------------------------------------------------------------------------------------------------
  const buildForms = either(
    { type: 'string', description: 'Directory or URL the image is built from.' },
    members('How the image is built.', {
      context: text('Directory or URL the image is built from.'),
      dockerfile: text('Path of the Dockerfile, relative to the context.'),
      dockerfile_inline: current && text('The Dockerfile itself.'),
      args: ref('assignments', 'Values of ARG instructions.'),
      cache_from:
        has(2, 2) &&
        (current ? texts('Images or caches to reuse.') : ref('distinct_texts', 'Images to reuse layers of.')),
      cache_to: current && texts('Where to write the build cache.'),
      no_cache: current && flag('Build every step anew.'),
      no_cache_filter: current && oneOrMany('Stages to build anew.'),
      additional_contexts: current && ref('assignments', 'Further contexts by name.'),
      entitlements: current && texts('Extra privileges the build may use.'),
      extra_hosts: has(3, never) && extraHosts('Host names known during the build.'),
      isolation: has(1, never) && text('Isolation technology of the build (Windows).'),
      labels:
        has(1, 2) && (v3 && minor === 2 ? ref('assignments', 'Labels of the image.') : labels('Labels of the image.')),
      network: has(2, 4) && text('Network of RUN steps.'),
      platforms: current && texts('Platforms to build for.'),
      privileged: current && flag('Run the build with all privileges.'),
      provenance: current && described('Whether, or how, to attest provenance.', { type: ['string', 'boolean'] }),
      sbom: current && described('Whether, or how, to attest the bill of materials.', { type: ['string', 'boolean'] }),
      pull: current && flag('Always look for newer base images.'),
      secrets: current && ref('file_references', 'Secrets RUN steps may mount.'),
      shm_size: has(3, 5) && described('Size of /dev/shm during the build.', { type: ['integer', 'string'] }),
      ssh: current && ref('assignments', 'SSH agents or keys RUN steps may use.'),
      tags: current && texts('Further names of the image.'),
      target: has(3, 4) && text('Stage to build.'),
      ulimits: current && ref('ulimits', 'Resource limits of RUN steps.'),
    }),
  );

  const build = described('How the image is built: a directory or URL, or all of it in full.', buildForms);

  // --- mounts ----------------------------------------------------------------------------------------------------
  const longMount = members(
    'A mount in full.',
    {
      type: text('Kind of mount.', current ? { enum: ['bind', 'volume', 'tmpfs', 'cluster', 'npipe', 'image'] } : {}),
      source: text('What is mounted: a path, a volume or an image.'),
      target: text('Path in the container.'),
      read_only: flag('Forbid writing.'),
      consistency: text('Consistency wanted; without effect on Linux.'),
      bind: members(
        'Options of a bind mount.',
        {
          propagation: text('Mount propagation.'),
          create_host_path: current && flag('Create a missing directory on the host.'),
          recursive:
            current &&
            text('What becomes of mounts below the source.', { enum: ['enabled', 'disabled', 'writable', 'readonly'] }),
          selinux: current && text('SELinux relabelling: z shared, Z private.', { enum: ['z', 'Z'] }),
        },
        { closed: current },
      ),
      volume: members(
        'Options of a volume.',
        {
          labels: current && ref('assignments', 'Labels of the volume.'),
          nocopy: flag("Leave a new volume empty instead of copying the image's files."),
          subpath: current && text('Directory inside the volume.'),
        },
        { closed: current },
      ),
      tmpfs:
        has(3, 6) &&
        members(
          'Options of a tmpfs.',
          {
            size: current
              ? described('Size limit.', either({ type: 'integer', minimum: 0 }, { type: 'string' }))
              : described('Size limit.', v2 ? { type: ['integer', 'string'] } : { type: 'integer', minimum: 0 }),
            mode: current && number('Permission bits, in octal.'),
          },
          { closed: current },
        ),
      image: current && members('Options of an image mount.', { subpath: text('Directory inside the image.') }),
    },
    { required: ['type'] },
  );
  const volumes = has(3, 2)
    ? described('What is mounted where.', {
        type: 'array',
        items: either({ type: 'string' }, longMount),
        ...(current && { uniqueItems: true }),
      })
    : distinctTexts('What is mounted where.');

  // --- ports -----------------------------------------------------------------------------------------------------
  const ports = has(never, 2)
    ? described('Ports published on the host.', {
        type: 'array',
        items: either(
          { type: 'number' },
          { type: 'string' },
          members('A port in full.', {
            name: current && text('A name for people.'),
            mode: text('host or ingress.'),
            host_ip: current && text('Address of the host to publish on.'),
            target: whole('Port in the container.'),
            published: described('Port on the host.', { type: current ? ['string', 'integer'] : 'integer' }),
            protocol: text('tcp, udp or sctp.'),
            app_protocol: current && text('Protocol spoken on the port, for people.'),
          }),
        ),
        uniqueItems: true,
      })
    : described('Ports published on the host.', {
        type: 'array',
        items: { type: ['string', 'number'] },
        uniqueItems: true,
      });

  // --- depends_on ------------------------------------------------------------------------------------------------
  const conditions = ['service_started', 'service_healthy', ...(current ? ['service_completed_successfully'] : [])];
  const dependsOn = has(1, never)
    ? described(
        'Services that come first.',
        either(ref('distinct_texts'), {
          type: 'object',
          patternProperties: {
            [resourceName]: members(
              'When the dependency counts as ready.',
              {
                condition: text('State to wait for.', { enum: conditions }),
                restart: current && flag('Restart along with the dependency.'),
                required:
                  current && described('Whether a missing dependency is an error.', { type: 'boolean', default: true }),
              },
              { required: ['condition'] },
            ),
          },
          additionalProperties: false,
        }),
      )
    : ref('distinct_texts', 'Services that come first.');

  // --- networks of a service -------------------------------------------------------------------------------------
  const attachment = either(
    members('How the service joins the network.', {
      aliases: ref('distinct_texts', 'Further names of the service on this network.'),
      interface_name: current && text('Name of the network interface in the container.'),
      ipv4_address: text('Fixed IPv4 address.'),
      ipv6_address: text('Fixed IPv6 address.'),
      link_local_ips: has(1, never) && ref('distinct_texts', 'Link-local addresses.'),
      mac_address: current && text('Fixed hardware address.'),
      driver_opts: current && anyKeys('Options for the network driver.', { type: ['string', 'number'] }, false),
      priority: has(0, never) && described('Order of joining, highest first.', { type: 'number' }),
      gw_priority: current && described('Which network gives the default route, highest wins.', { type: 'number' }),
    }),
    { type: 'null' },
  );

  // --- deploy ----------------------------------------------------------------------------------------------------
  if (has(never, 0)) {
    const rollout = (description) =>
      members(description, {
        parallelism: whole('How many at a time.'),
        delay: text('Pause between them.'),
        failure_action: text('What to do when one fails.'),
        monitor: text('How long to watch each.'),
        max_failure_ratio: number('Share of failures that is borne.'),
        order:
          has(never, 4) && text('Whether the new or the old one goes first.', { enum: ['start-first', 'stop-first'] }),
      });
    const deviceRequest = {
      capabilities: ref('distinct_texts', 'What the device must be able to do.'),
      count: described('How many; all for every one.', { type: ['string', 'integer'] }),
      device_ids: ref('distinct_texts', 'Which ones.'),
      driver: text('Driver.'),
      options: ref('assignments', 'Options for the driver.'),
    };
    if (current) {
      definitions.device_requests = described('Devices to reserve.', {
        type: 'array',
        items: members('A reservation.', deviceRequest, { required: ['capabilities'] }),
      });
      definitions.gpus = described(
        'GPUs to use: all, or a list of requests.',
        either(
          { type: 'string', enum: ['all'] },
          { type: 'array', items: { type: 'object', properties: deviceRequest } },
        ),
      );
    }
    if (has(never, 5)) {
      definitions.generic_resources = described('Resources of kinds the operator defined.', {
        type: 'array',
        items: members('A resource.', {
          discrete_resource_spec: members('A countable resource.', {
            kind: text('Kind.'),
            value: number('How many.'),
          }),
        }),
      });
    }
    const cpus = (description) => (current ? number(description) : text(description));
    definitions.deploy = members(
      'How the service is deployed and scaled.',
      {
        mode: text('replicated, global or a job.'),
        endpoint_mode: has(never, 2) && text('How clients reach the replicas.'),
        replicas: whole('How many containers.'),
        labels: labels('Labels of the service, not of its containers.'),
        update_config: rollout('How updates roll out.'),
        rollback_config: has(never, 7) && rollout('How updates are taken back.'),
        resources: members('Limits and reservations.', {
          limits: members('What a container may use at most.', {
            cpus: cpus('Processors, as a decimal number.'),
            memory: text('Memory.'),
            pids: current && whole('Processes.'),
          }),
          reservations: members('What a container is promised.', {
            cpus: cpus('Processors, as a decimal number.'),
            memory: text('Memory.'),
            generic_resources: has(never, 5) && ref('generic_resources'),
            devices: current && ref('device_requests'),
          }),
        }),
        restart_policy: members('When containers are restarted.', {
          condition: text('none, on-failure or any.'),
          delay: text('Pause before a restart.'),
          max_attempts: whole('How often to try.'),
          window: text('How long until a start counts as a success.'),
        }),
        placement: members('Where replicas run.', {
          constraints: texts('What a node must fulfil.'),
          preferences:
            has(never, 3) &&
            described('How to spread.', {
              type: 'array',
              items: members('A preference.', { spread: text('Label to spread over.') }),
            }),
          max_replicas_per_node: has(never, 8) && whole('How many on one node at most.'),
        }),
      },
      { nullable: true },
    );
  }

  // --- healthcheck, hooks, develop -------------------------------------------------------------------------------
  if (has(1, 0)) {
    definitions.healthcheck = members('How to tell whether a container is healthy.', {
      test: described(
        'Command to run: a text for the shell, or a list.',
        either({ type: 'string' }, { type: 'array', items: { type: 'string' } }),
      ),
      disable: flag('Switch off the check of the image.'),
      interval: text('Time between checks.'),
      timeout: text('Time one check may take.'),
      retries: number('Failures in a row until unhealthy.'),
      start_period: has(3, 4) && text('Time to start, in which failures do not count.'),
      start_interval: current && text('Time between checks while starting.'),
    });
  }
  const hook = {
    command: current && ref('command', 'Command to run.'),
    user: text('User to run as.'),
    privileged: current && flag('Run with all privileges.'),
    working_dir: text('Directory to run in.'),
    environment: ref('assignments', 'Environment variables.'),
  };
  if (current) {
    definitions.hook = members('A command run in the container.', hook, { required: ['command'] });
    definitions.pre_start_hook = members('A command run in a container of its own.', {
      ...hook,
      image: text('Image to run it in.'),
      per_replica: flag('Run once for each replica.'),
    });
    definitions.develop = members(
      'What to do when files change.',
      {
        watch: described('Rules, each for one path.', {
          type: 'array',
          items: members(
            'A rule.',
            {
              path: text('Path to watch.'),
              action: text('What to do.', { enum: ['rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'] }),
              target: text('Path in the container.'),
              ignore: oneOrMany('Patterns to leave out.'),
              include: oneOrMany('Patterns to take in.'),
              initial_sync: described('Whether to sync once at the start.', { type: 'boolean' }),
              exec: ref('hook', 'Command to run in the container.'),
            },
            { required: ['path', 'action'] },
          ),
        }),
      },
      { nullable: true },
    );
  }

  // --- service ---------------------------------------------------------------------------------------------------
  const listOf = (description) => distinctTexts(description);
  definitions.service = members(
    'A service: the template of one or more like containers.',
    {
      annotations: current && ref('assignments', 'OCI annotations of the containers.'),
      attach: current && flag('Whether up shows the logs.'),
      blkio_config:
        has(0, never) &&
        members(
          'Block device limits.',
          {
            weight: whole('Share of block I/O, 10 to 1000.'),
            weight_device: described('Share for one device each.', {
              type: 'array',
              items: members(
                'Share of one device.',
                { path: text('Device path.'), weight: whole('Share, 10 to 1000.') },
                { extensions: false },
              ),
            }),
            device_read_bps: ref('blkio_rates', 'Bytes read a second.'),
            device_read_iops: ref('blkio_rates', 'Reads a second.'),
            device_write_bps: ref('blkio_rates', 'Bytes written a second.'),
            device_write_iops: ref('blkio_rates', 'Writes a second.'),
          },
          { extensions: false },
        ),
      build,
      cap_add: listOf('Kernel capabilities to add.'),
      cap_drop: listOf('Kernel capabilities to take away.'),
      cgroup: current && text('Control group namespace.', { enum: ['host', 'private'] }),
      cgroup_parent: text('Control group to live under.'),
      command: command("Command instead of the image's."),
      configs: has(never, 3) && ref('file_references', 'Configs the containers may read.'),
      container_name: text(
        'Name of the container instead of the usual one.',
        current ? { pattern: '[a-zA-Z0-9][a-zA-Z0-9_.-]+' } : {},
      ),
      cpu_count:
        has(2, never) &&
        (current
          ? described('Number of processors (Windows).', either({ type: 'string' }, { type: 'integer', minimum: 0 }))
          : described('Number of processors (Windows).', { type: 'integer', minimum: 0 })),
      cpu_percent:
        has(2, never) &&
        (current
          ? described(
              'Share of the processors in percent (Windows).',
              either({ type: 'string' }, { type: 'integer', minimum: 0, maximum: 100 }),
            )
          : described('Share of the processors in percent (Windows).', { type: 'integer', minimum: 0, maximum: 100 })),
      cpu_period: has(1, never) && size('Length of a scheduler period in microseconds.'),
      cpu_quota: has(0, never) && size('Processor time a period in microseconds.'),
      cpu_rt_period: has(2, never) && size('Length of a real-time period in microseconds.'),
      cpu_rt_runtime: has(2, never) && size('Real-time processor time a period in microseconds.'),
      cpu_shares: has(0, never) && size('Relative share of processor time.'),
      cpus:
        has(2, never) &&
        (current
          ? number('Processors, as a decimal number.')
          : described('Processors, as a decimal number.', { type: 'number', minimum: 0 })),
      cpuset: has(0, never) && text('Processors to run on, such as 0-3 or 0,2.'),
      credential_spec:
        has(never, 3) &&
        members(
          'Managed service account (Windows).',
          {
            config: has(never, 8) && text('Config that holds the specification.'),
            file: text('File that holds the specification.'),
            registry: text('Registry value that holds the specification.'),
          },
          { closed: has(never, 8) },
        ),
      depends_on: dependsOn,
      deploy: has(never, 0) && ref('deploy'),
      develop: current && ref('develop'),
      device_cgroup_rules: has(3, never) && ref('distinct_texts', 'Device control group rules.'),
      devices: current
        ? described('Devices of the host.', {
            type: 'array',
            items: either(
              { type: 'string' },
              members(
                'A device in full.',
                {
                  source: text('Path on the host, or CDI name.'),
                  target: text('Path in the container.'),
                  permissions: text('Letters out of r, w and m.'),
                },
                { required: ['source'] },
              ),
            ),
          })
        : listOf('Devices of the host.'),
      dns: oneOrMany('Name servers.'),
      dns_opt: has(0, never) && listOf('Resolver options.'),
      dns_search: oneOrMany('Search domains.'),
      domainname: text('Domain name of the container.'),
      entrypoint: command("Entry point instead of the image's."),
      env_file: current
        ? described(
            'Files of environment variables.',
            either(
              { type: 'string' },
              {
                type: 'array',
                items: either(
                  { type: 'string' },
                  members(
                    'A file in full.',
                    {
                      path: text('Path of the file.'),
                      format: text('Syntax of the file.'),
                      required: { ...flag('Whether a missing file is an error.'), default: true },
                    },
                    { required: ['path'], extensions: false },
                  ),
                ),
              },
            ),
          )
        : oneOrMany('Files of environment variables.'),
      environment: ref('assignments', 'Environment variables.'),
      expose: described('Ports for other services only.', {
        type: 'array',
        items: { type: ['string', 'number'] },
        uniqueItems: true,
      }),
      extends:
        has(0, never) &&
        described(
          'Service this one builds upon.',
          either(
            { type: 'string' },
            members(
              'A service of this or another file.',
              {
                service: text('Name of the service.'),
                file: text('File it stands in.'),
              },
              { required: ['service'], extensions: false },
            ),
          ),
        ),
      external_links: listOf('Links to containers of other projects.'),
      extra_hosts: extraHosts('Entries for /etc/hosts.'),
      gpus: current && ref('gpus'),
      group_add:
        has(0, never) &&
        described('Further groups of the user.', {
          type: 'array',
          items: { type: ['string', 'number'] },
          uniqueItems: true,
        }),
      healthcheck: has(1, 0) && ref('healthcheck'),
      hostname: text('Host name of the container.'),
      image: text('Image to run.'),
      init:
        has(2, 7) &&
        (v2
          ? described('Run an init process, or which.', { type: ['boolean', 'string'] })
          : flag('Run an init process.')),
      ipc: text('IPC namespace.'),
      isolation: has(1, 5) && text('Isolation technology (Windows).'),
      label_file:
        current &&
        described('Files of labels.', either({ type: 'string' }, { type: 'array', items: { type: 'string' } })),
      labels: labels('Labels of the containers.'),
      links: listOf('Services to reach under further names.'),
      logging: members('Where logs go.', {
        driver: text('Logging driver.'),
        options: v2
          ? described('Options for the driver.', { type: 'object' })
          : anyKeys('Options for the driver.', { type: ['string', 'number', 'null'] }, false),
      }),
      mac_address: text('Hardware address.'),
      mem_limit: has(0, never) && size('Memory limit.'),
      mem_reservation: has(0, never) && described('Memory that is promised.', { type: ['string', 'integer'] }),
      mem_swappiness: has(0, never) && whole('How readily memory is swapped, 0 to 100.'),
      memswap_limit: has(0, never) && size('Limit of memory and swap together.'),
      models:
        current &&
        described(
          'Language models the service uses.',
          either(ref('distinct_texts'), {
            type: 'object',
            patternProperties: {
              [resourceName]: either(
                members('Names of the variables that are set.', {
                  endpoint_var: text('Variable for the address.'),
                  model_var: text('Variable for the model name.'),
                }),
                { type: 'null' },
              ),
            },
          }),
        ),
      network_mode: text('Network of the host, of another container, or none.'),
      networks: described(
        'Networks the containers join.',
        either(ref('distinct_texts'), {
          type: 'object',
          patternProperties: { [resourceName]: attachment },
          additionalProperties: false,
        }),
      ),
      oom_kill_disable: has(1, never) && flag('Never kill for want of memory.'),
      oom_score_adj:
        has(0, never) &&
        (current
          ? described(
              'How readily to kill for want of memory.',
              either({ type: 'string' }, { type: 'integer', minimum: -1000, maximum: 1000 }),
            )
          : described('How readily to kill for want of memory.', { type: 'integer', minimum: -1000, maximum: 1000 })),
      pid: described('Process namespace.', { type: ['string', 'null'] }),
      pids_limit: has(1, never) && size('How many processes; -1 for no limit.'),
      platform: has(4, never) && text('Platform of the image, os/arch/variant.'),
      ports,
      post_start: current && described('Commands after the start.', { type: 'array', items: ref('hook') }),
      pre_start: current && described('Commands before the start.', { type: 'array', items: ref('pre_start_hook') }),
      pre_stop: current && described('Commands before the stop.', { type: 'array', items: ref('hook') }),
      privileged: flag('Give the containers all privileges.'),
      profiles: current && ref('distinct_texts', 'Profiles that switch the service on.'),
      provider:
        current &&
        members(
          'A program that provides the service.',
          {
            type: text('Name of the program.'),
            options: anyKeys(
              'Options for it.',
              either(
                { type: ['string', 'number', 'boolean'] },
                { type: 'array', items: { type: ['string', 'number', 'boolean'] } },
              ),
              false,
            ),
          },
          { required: ['type'] },
        ),
      pull_policy:
        current &&
        text('When the image is pulled.', {
          pattern: 'always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+',
        }),
      pull_refresh_after: current && text('Age after which the image is pulled again.'),
      read_only: flag('Make the root file system read-only.'),
      restart: text('When containers are restarted.'),
      runtime: has(3, never) && text('OCI runtime.'),
      scale: has(2, never) && whole('How many containers.'),
      secrets: has(never, 1) && ref('file_references', 'Secrets the containers may read.'),
      security_opt: listOf('Security options.'),
      shm_size: size('Size of /dev/shm.'),
      stdin_open: flag('Keep standard input open.'),
      stop_grace_period: text('Time between the stop signal and the kill.'),
      stop_signal: text('Signal to stop with.'),
      storage_opt: has(1, never) && described('Options for the storage driver.', { type: 'object' }),
      sysctls: has(1, 0) && ref('assignments', 'Kernel parameters.'),
      tmpfs: oneOrMany('Directories in memory.'),
      tty: flag('Give the containers a terminal.'),
      ulimits: ref('ulimits'),
      use_api_socket: current && described('Whether the containers may use the engine.', { type: 'boolean' }),
      user: text('User to run as.'),
      userns_mode: has(1, 0) && text('User namespace.'),
      uts: current && text('UTS namespace.'),
      volume_driver: has(0, never, true) && text('Driver for the volumes of the service.'),
      volumes,
      volumes_from: has(0, never) && listOf('Services or containers whose volumes to mount too.'),
      working_dir: text('Directory to run in.'),
    },
    { extensions: current || (v2 && minor >= 4) || (v3 && minor >= 7) },
  );
  if (v2) definitions.service.dependencies = { memswap_limit: ['mem_limit'] };

  // --- top level -------------------------------------------------------------------------------------------------
  const resourceExtensions = { extensions: current || (v2 && minor >= 4) || (v3 && minor >= 7) };
  const external = (closed) =>
    described('The resource is made elsewhere.', {
      type: current ? ['boolean', 'string', 'object'] : ['boolean', 'object'],
      properties: { name: text('Its name there.', current ? { deprecated: true } : {}) },
      ...(closed && { additionalProperties: false }),
      ...(closed && current && { patternProperties: { '^x-': {} } }),
    });
  const driverOptions = anyKeys('Options for the driver.', { type: ['string', 'number'] }, false);
  definitions.network = members(
    'A network.',
    {
      name: has(1, 5) && text('Its name on the engine.'),
      driver: text('Driver.'),
      driver_opts: driverOptions,
      ipam: members('Address management.', {
        driver: text('Driver.'),
        config: described('Address pools.', {
          type: 'array',
          items: members('A pool.', {
            subnet: text('Subnet in CIDR form.'),
            ip_range: has(0, never) && text('Part of it to take addresses from.'),
            gateway: has(0, never) && text('Address of the gateway.'),
            aux_addresses: has(0, never) && anyKeys('Addresses kept for others.', { type: 'string' }),
          }),
        }),
        options: has(0, never) && anyKeys('Options for the driver.', { type: 'string' }),
      }),
      external: external(true),
      internal: flag('Without a way out.'),
      attachable: has(never, 2) && flag('Open to containers of others.'),
      enable_ipv4: current && flag('Give IPv4 addresses.'),
      enable_ipv6: has(1, never) && flag('Give IPv6 addresses.'),
      labels: has(1, 0) && labels('Labels of the network.'),
    },
    { ...resourceExtensions, nullable: !v2 },
  );
  definitions.volume = members(
    'A volume.',
    {
      name: has(1, 4) && text('Its name on the engine.'),
      driver: text('Driver.'),
      driver_opts: driverOptions,
      external: external(true),
      labels: has(1, 0) && labels('Labels of the volume.'),
    },
    { ...resourceExtensions, nullable: true },
  );
  if (has(never, 1)) {
    definitions.secret = members(
      'A secret.',
      {
        name: has(never, 5) && text('Its name on the engine.'),
        file: text('File that holds it.'),
        environment: current && text('Variable that holds it.'),
        external: external(false),
        labels: labels('Labels of the secret.'),
        driver: has(never, 8) && text('Driver.'),
        driver_opts: has(never, 8) && driverOptions,
        template_driver: has(never, 8) && text('Template driver.'),
      },
      resourceExtensions,
    );
  }
  if (has(never, 3)) {
    definitions.config = members(
      'A config.',
      {
        name: has(never, 5) && text('Its name on the engine.'),
        file: text('File that holds it.'),
        content: current && text('The config itself.'),
        environment: current && text('Variable that holds it.'),
        external: external(false),
        labels: labels('Labels of the config.'),
        template_driver: has(never, 8) && text('Template driver.'),
      },
      resourceExtensions,
    );
  }
  if (current) {
    definitions.model = members(
      'A language model.',
      {
        name: text('Its name.'),
        model: text('OCI reference of the model.'),
        context_size: described('Tokens of context.', { type: 'integer' }),
        runtime_flags: texts('Flags for the model runner.'),
      },
      { required: ['model'] },
    );
    const includeForms = either(
      { type: 'string', description: 'File to include.' },
      members(
        'An include in full.',
        {
          path: oneOrMany('Files; the later ones override the first.'),
          env_file: oneOrMany('Files of variables for them.'),
          project_directory: text('What their relative paths are relative to.'),
        },
        { extensions: false },
      ),
    );
    definitions.include = described('Another project taken in: a file, or files with their settings.', includeForms);
  }

  const section = (description, definition, closed = true) =>
    described(description, {
      type: 'object',
      patternProperties: { [resourceName]: ref(definition) },
      ...(closed && { additionalProperties: false }),
    });
  const rootExtensions = current || v2 || minor >= 4;
  const root = members(
    current
      ? 'A project of containers in the current Compose file format.'
      : `A project of containers in version ${series} of the Compose file format.`,
    {
      version: text('Format of the file; without effect today.', current ? { deprecated: true } : {}),
      name: current && text('Name of the project.'),
      include: current && described('Projects taken into this one.', { type: 'array', items: ref('include') }),
      services: section('The services.', 'service'),
      models: current && section('The language models.', 'model', false),
      networks: section('The networks.', 'network', false),
      volumes: section('The volumes.', 'volume'),
      secrets: has(never, 1) && section('The secrets.', 'secret'),
      configs: has(never, 3) && section('The configs.', 'config'),
    },
    { extensions: rootExtensions, ...(v3 && { required: ['version'] }) },
  );
  return {
    $schema: 'https://json-schema.org/draft/2019-09/schema',
    title: current ? 'Compose file' : `Compose file, version ${series}`,
    ...root,
    $defs: Object.fromEntries(
      Object.entries(definitions).map(([name, schema]) => [name, { title: titleOf(name), ...schema }]),
    ),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const series of seriesNames) {
    const file = new URL(`../schemas/${schemaFile(series)}`, import.meta.url);
    writeFileSync(file, `${JSON.stringify(composeSchema(series), null, 2)}\n`);
  }
}

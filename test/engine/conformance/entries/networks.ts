import type { Entry } from '../entry.js';
import type { Run } from '../run.js';

const image = 'tscompose-conformance:latest';
const idle = { image, command: ['sleep', '600'] };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const addresses = 'ip -o -4 addr show | grep -v " lo " | tr -s " " | cut -d" " -f2,4';
const subnet = (second: number) => ({ ipam: { config: [{ subnet: `10.213.${second}.0/24` }] } });
/** Waits for a name to be there, then prints what it stands for. */
const lookup = (name: string) =>
  `for n in 1 2 3 4 5 6 7 8 9 10; do nslookup ${name} 127.0.0.11 2>/dev/null | grep -A9 ^Name | grep ^Address | tr -s " \\t" " " && break; sleep 0.1; done`;

/** Networks, names and ports (Compose file, "Network"). */
export const networks: readonly Entry[] = [
  {
    attribute: 'networks',
    fields: [
      'HostConfig.NetworkMode',
      'Endpoint.NetworkID',
      'Endpoint.EndpointID',
      'Endpoint.IPAddress',
      'Endpoint.IPPrefixLen',
      'Endpoint.Gateway',
    ],
    effect: 'one link for each, with an address and the default route over the first',
    service: { networks: ['one', 'two'] },
    project: { networks: { one: subnet(10), two: subnet(11) } },
    script: `${addresses} | cut -d" " -f2 | sort; ip route | grep ^default | cut -d" " -f3`,
    expected: '10.213.10.2/24\n10.213.11.2/24\n10.213.10.1',
  },
  {
    attribute: 'networks.*.aliases',
    fields: ['Endpoint.Aliases', 'Endpoint.DNSNames'],
    effect: 'are names for the others, beside service and container name',
    service: { networks: ['net'] },
    project: {
      services: { other: { ...idle, networks: { net: { aliases: ['nick'], ipv4_address: '10.213.12.77' } } } },
      networks: { net: subnet(12) },
    },
    script: `${lookup('nick')}; ${lookup('other')}`,
    expected: 'Address: 10.213.12.77\nAddress: 10.213.12.77',
  },
  {
    attribute: 'networks.*.ipv4_address',
    fields: ['Endpoint.IPAMConfig'],
    effect: 'is the address',
    service: { networks: { net: { ipv4_address: '10.213.13.200' } } },
    project: { networks: { net: subnet(13) } },
    script: addresses,
    expected: 'eth0 10.213.13.200/24',
  },
  {
    attribute: 'networks.*.ipv6_address',
    fields: [
      'Endpoint.IPAMConfig',
      'Endpoint.GlobalIPv6Address',
      'Endpoint.GlobalIPv6PrefixLen',
      'Endpoint.IPv6Gateway',
    ],
    effect: 'is the address, with a default route',
    service: { networks: { net: { ipv6_address: 'fd00:213:14::99' } } },
    project: { networks: { net: { enable_ipv6: true, ipam: { config: [{ subnet: 'fd00:213:14::/64' }] } } } },
    script:
      'ip -o -6 addr show dev eth0 scope global | tr -s " " | cut -d" " -f2,4; ip -6 route show default | cut -d" " -f1-5',
    expected: 'eth0 fd00:213:14::99/64\ndefault via fd00:213:14::1 dev eth0',
  },
  {
    attribute: 'networks.*.link_local_ips',
    fields: ['Endpoint.IPAMConfig'],
    effect: 'are more addresses of the link',
    service: { networks: { net: { link_local_ips: ['169.254.8.8'] } } },
    project: { networks: { net: subnet(15) } },
    script: 'ip -o -4 addr show dev eth0 | tr -s " " | cut -d" " -f4 | sort',
    expected: '10.213.15.2/24\n169.254.8.8/16',
  },
  {
    attribute: 'networks.*.mac_address',
    fields: ['Endpoint.MacAddress'],
    effect: 'is that of the link',
    service: { networks: { net: { mac_address: '02:42:ac:11:00:99' } } },
    project: { networks: { net: {} } },
    script: 'cat /sys/class/net/eth0/address',
    expected: '02:42:ac:11:00:99',
  },
  {
    attribute: 'mac_address',
    fields: ['MacAddress', 'Endpoint.MacAddress'],
    effect: 'is that of the first link',
    service: { networks: ['net'], mac_address: '02:42:ac:11:00:98' },
    project: { networks: { net: {} } },
    script: 'cat /sys/class/net/eth0/address',
    expected: '02:42:ac:11:00:98',
  },
  {
    attribute: 'networks.*.interface_name',
    fields: ['Endpoint.DriverOpts'],
    effect: 'is the name of the link',
    service: { networks: { net: { interface_name: 'lan0' } } },
    project: { networks: { net: {} } },
    script: 'ls /sys/class/net | grep -E "lan|eth"',
    expected: 'lan0',
    peer: { expected: 'eth0', because: 'it is older than the option' },
  },
  {
    attribute: 'networks.*.driver_opts',
    fields: ['Endpoint.DriverOpts'],
    effect: 'sysctls for a link are set on it',
    service: {
      networks: {
        net: { driver_opts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1' } },
      },
    },
    project: { networks: { net: {} } },
    script: 'cat /proc/sys/net/ipv4/conf/eth0/log_martians',
    expected: '1',
    peer: { expected: '0', because: 'it is older than the option' },
  },
  {
    attribute: 'networks.*.priority',
    fields: ['HostConfig.NetworkMode'],
    effect: 'the highest is the first link',
    service: { networks: { low: { priority: 1 }, top: { priority: 100 } } },
    project: { networks: { low: subnet(16), top: subnet(17) } },
    script: `${addresses} | grep eth0`,
    expected: 'eth0 10.213.17.2/24',
    peer: { expected: /^eth0 10.213.1[67].2\/24$/, because: 'it numbers the links in no order' },
  },
  {
    attribute: 'networks.*.gw_priority',
    fields: ['Endpoint.GwPriority'],
    effect: 'the highest has the default route',
    service: { networks: { a: { gw_priority: 0 }, b: { gw_priority: 10 } } },
    project: { networks: { a: subnet(18), b: subnet(19) } },
    script: 'ip route | grep ^default | cut -d" " -f3',
    expected: '10.213.19.1',
    peer: { expected: '10.213.18.1', because: 'it is older than the option' },
  },
  {
    attribute: 'network_mode',
    fields: ['HostConfig.NetworkMode'],
    effect: 'none has a loopback and nothing else',
    service: { network_mode: 'none' },
    script: 'ip -o link | cut -d" " -f2; ip -o -4 addr show lo | tr -s " " | cut -d" " -f4',
    expected: 'lo:\n127.0.0.1/8',
  },
  {
    attribute: 'network_mode',
    fields: ['HostConfig.NetworkMode'],
    effect: 'bridge is the common one, with a name server of the host',
    service: { network_mode: 'bridge' },
    script: 'ls /sys/class/net | grep eth; grep -c "$(hostname)" /etc/hosts',
    expected: 'eth0\n1',
  },
  {
    attribute: '-',
    fields: ['NetworkDisabled'],
    effect: 'leaves only a loopback',
    api: { NetworkDisabled: true },
    script: 'ip -o link | cut -d" " -f2',
    expected: 'lo:',
  },
  {
    attribute: 'networks',
    fields: ['Endpoint.Aliases'],
    effect: 'joined later it is there at once, and in /etc/hosts',
    service: { networks: ['net'], hostname: 'late' },
    project: {
      networks: { net: subnet(20), extra: { ...subnet(21), name: 'tscconf-extra' } },
      services: { other: { ...idle, networks: ['extra'] } },
    },
    script: 'sleep 600',
    act: async (run: Run): Promise<string> => {
      await run.up();
      const id = await run.container('check');
      const settings = { IPAMConfig: { IPv4Address: '10.213.21.50' } };
      await run.client.networks.connect('tscconf-extra', { Container: id, EndpointConfig: settings }, soon());
      const hosts = 'grep late /etc/hosts | tr "\\t" " "';
      const joined = await run.exec('check', `${addresses}; ${hosts}`);
      await run.client.networks.disconnect('tscconf-extra', { Container: id, Force: false }, soon());
      return `${joined}\nleft\n${await run.exec('check', `${addresses}; ${hosts}`)}`;
    },
    expected:
      'eth0 10.213.20.2/24\neth1 10.213.21.50/24\n10.213.20.2 late\n10.213.21.50 late\nleft\neth0 10.213.20.2/24\n10.213.20.2 late',
    peer: {
      expected:
        'eth0 10.213.20.2/24\neth1 10.213.21.50/24\n10.213.20.2 late\n10.213.21.50 late\nleft\neth0 10.213.20.2/24',
      because:
        'on leaving a network it takes every line with the host name out of /etc/hosts, of the other networks too',
    },
  },
  {
    attribute: 'networks.*.internal',
    fields: [],
    effect: 'has no way out',
    service: { networks: ['net'] },
    project: { networks: { net: { internal: true } } },
    script: 'ip route | grep -c ^default',
    expected: '0',
  },
  {
    attribute: 'networks.*.driver_opts',
    fields: [],
    effect: 'enable_icc=false keeps containers apart',
    service: { networks: ['net'] },
    project: {
      services: {
        other: {
          ...idle,
          command: ['nc', '-ll', '-p', '7000', '-e', 'echo', 'heard'],
          networks: { net: { ipv4_address: '10.213.22.50' } },
        },
      },
      networks: { net: { ...subnet(22), driver_opts: { 'com.docker.network.bridge.enable_icc': 'false' } } },
    },
    script: 'sleep 0.5; nc -w 1 10.213.22.50 7000 </dev/null 2>/dev/null || echo apart',
    expected: 'apart',
  },
  {
    attribute: 'networks.*.driver_opts',
    fields: [],
    effect: 'containers of one network reach each other otherwise',
    service: { networks: ['net'] },
    project: {
      services: {
        other: {
          ...idle,
          command: ['nc', '-ll', '-p', '7000', '-e', 'echo', 'heard'],
          networks: { net: { ipv4_address: '10.213.23.50' } },
        },
      },
      networks: { net: subnet(23) },
    },
    script:
      'for i in 1 2 3 4 5 6 7 8 9 10; do nc -w 2 10.213.23.50 7000 </dev/null 2>/dev/null && break; sleep 0.1; done',
    expected: 'heard',
  },
  {
    attribute: 'networks.*.driver_opts',
    fields: [],
    effect: 'com.docker.network.driver.mtu is that of the link',
    service: { networks: ['net'] },
    project: { networks: { net: { driver_opts: { 'com.docker.network.driver.mtu': '1400' } } } },
    script: 'cat /sys/class/net/eth0/mtu',
    expected: '1400',
  },
  {
    attribute: 'ports',
    fields: ['HostConfig.PortBindings', 'ExposedPorts'],
    effect: 'reach the container through the host',
    service: { networks: { net: { ipv4_address: '10.213.24.9' } }, ports: ['28731:7000'], depends_on: ['server'] },
    project: {
      services: {
        server: {
          ...idle,
          command: ['nc', '-ll', '-p', '7000', '-e', 'echo', 'served'],
          networks: ['net'],
          ports: ['28732:7000'],
        },
      },
      networks: { net: subnet(24) },
    },
    script:
      'for i in 1 2 3 4 5 6 7 8 9 10; do nc -w 2 10.213.24.1 28732 </dev/null 2>/dev/null && break; sleep 0.1; done',
    expected: 'served',
  },
  {
    attribute: 'expose',
    fields: ['ExposedPorts', 'HostConfig.PublishAllPorts'],
    effect: 'publishes nothing by itself',
    service: { networks: ['net'] },
    project: {
      services: {
        server: {
          ...idle,
          command: ['nc', '-ll', '-p', '28733', '-e', 'echo', 'served'],
          networks: ['net'],
          expose: ['28733'],
        },
      },
      networks: { net: subnet(25) },
    },
    script: 'sleep 0.3; nc -w 1 10.213.25.1 28733 </dev/null 2>/dev/null || echo closed',
    expected: 'closed',
  },
  {
    attribute: '-',
    fields: ['HostConfig.PublishAllPorts', 'HostConfig.PortBindings'],
    effect: 'publishes each exposed port on some port of the host',
    script: 'true',
    api: {},
    act: async (run: Run): Promise<string> => {
      const server = await run.create({
        Cmd: ['nc', '-ll', '-p', '7000', '-e', 'echo', 'served'],
        ExposedPorts: { '7000/tcp': {} },
        HostConfig: { NetworkMode: 'bridge', PublishAllPorts: true },
      });
      await run.client.containers.start(server, soon());
      const { NetworkSettings } = await run.client.containers.inspect(server, soon());
      const port = NetworkSettings.Ports['7000/tcp']?.[0]?.HostPort ?? '';
      const gateway = NetworkSettings.Networks['bridge']?.Gateway ?? '';
      const asker = await run.create({
        Cmd: [
          'sh',
          '-c',
          `for i in 1 2 3 4 5 6 7 8 9 10; do nc -w 2 ${gateway} ${port} </dev/null 2>/dev/null && break; sleep 0.1; done`,
        ],
        HostConfig: { NetworkMode: 'bridge' },
      });
      await run.client.containers.start(asker, soon());
      return await run.ended(asker);
    },
    expected: 'served',
  },
  {
    attribute: 'dns, dns_search, dns_opt',
    fields: ['HostConfig.Dns', 'HostConfig.DnsSearch', 'HostConfig.DnsOptions'],
    effect: 'on a network of its own the engine answers, and asks those servers',
    service: {
      networks: ['net'],
      dns: ['10.213.250.1'],
      dns_search: ['example.org', 'example.net'],
      dns_opt: ['timeout:3', 'attempts:2'],
    },
    project: { networks: { net: {} } },
    script: 'grep -v "^#" /etc/resolv.conf | grep .',
    expected: /^nameserver 127.0.0.11\nsearch example.org example.net\noptions timeout:3 attempts:2 ndots:0$/,
  },
  {
    attribute: 'dns',
    fields: ['HostConfig.Dns', 'HostConfig.DnsSearch'],
    effect: 'on the host network they are the servers',
    service: { network_mode: 'host', dns: ['10.213.250.2'], dns_search: ['example.org'] },
    script: 'grep -E "^(nameserver|search)" /etc/resolv.conf',
    expected: 'nameserver 10.213.250.2\nsearch example.org',
  },
  {
    attribute: 'extra_hosts',
    fields: ['HostConfig.ExtraHosts'],
    effect: 'are in /etc/hosts; host-gateway is the host',
    service: { networks: ['net'], extra_hosts: ['somehost:162.242.195.82', 'six=[::1]', 'gate:host-gateway'] },
    project: { networks: { net: subnet(26) } },
    script:
      'grep -E "somehost|six$|gate" /etc/hosts | tr "\\t" " " | sed "s/^10.213.26.1 gate/GATEWAY gate/; s/^172.17.0.1 gate/GATEWAY gate/" | sort',
    expected: '162.242.195.82 somehost\n::1 six\nGATEWAY gate',
  },
  {
    attribute: 'links',
    fields: ['HostConfig.Links', 'Endpoint.Links'],
    effect: 'is a name for the other service',
    service: { networks: ['net'], links: ['other:friend'] },
    project: {
      services: { other: { ...idle, networks: { net: { ipv4_address: '10.213.27.60' } } } },
      networks: { net: subnet(27) },
    },
    script: lookup('friend'),
    expected: 'Address: 10.213.27.60',
  },
  {
    attribute: 'external_links',
    fields: ['HostConfig.Links', 'Endpoint.Links'],
    effect: 'is a name for a container of another project',
    service: { networks: ['net'], external_links: ['tscconf-outsider:friend'] },
    project: {
      services: {
        other: { ...idle, container_name: 'tscconf-outsider', networks: { net: { ipv4_address: '10.213.28.60' } } },
      },
      networks: { net: subnet(28) },
    },
    script: lookup('friend'),
    expected: 'Address: 10.213.28.60',
  },
  {
    attribute: '-',
    fields: ['HostConfig.Links'],
    effect: 'on the common bridge it gives a line in /etc/hosts and variables',
    script:
      'env | grep ^FRIEND | sort | sed "s/172[.0-9]*/ADDRESS/; s/[a-z0-9-]*asker/asker/"; grep -c "friend" /etc/hosts',
    api: {},
    act: async (run: Run): Promise<string> => {
      const other = await run.create(
        {
          Cmd: ['sleep', '600'],
          Env: ['COLOR=blue'],
          ExposedPorts: { '80/tcp': {}, '53/udp': {} },
          HostConfig: { NetworkMode: 'bridge' },
        },
        `${run.name}-other`,
      );
      await run.client.containers.start(other, soon());
      const asker = await run.create(
        { HostConfig: { NetworkMode: 'bridge', Links: [`${run.name}-other:friend`] } },
        `${run.name}-asker`,
      );
      await run.client.containers.start(asker, soon());
      return await run.ended(asker);
    },
    expected: [
      'FRIEND_ENV_COLOR=blue',
      'FRIEND_ENV_FROM=image',
      'FRIEND_NAME=/asker/friend',
      'FRIEND_PORT=udp://ADDRESS:53',
      'FRIEND_PORT_53_UDP=udp://ADDRESS:53',
      'FRIEND_PORT_53_UDP_ADDR=ADDRESS',
      'FRIEND_PORT_53_UDP_PORT=53',
      'FRIEND_PORT_53_UDP_PROTO=udp',
      'FRIEND_PORT_80_TCP=tcp://ADDRESS:80',
      'FRIEND_PORT_80_TCP_ADDR=ADDRESS',
      'FRIEND_PORT_80_TCP_PORT=80',
      'FRIEND_PORT_80_TCP_PROTO=tcp',
      '1',
    ].join('\n'),
  },
];

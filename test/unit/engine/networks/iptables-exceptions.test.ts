import { describe, expect, test } from 'vitest';
import { exceptionPlace } from '../../../../src/engine/networks/iptables-exceptions.js';

/** `iptables -S`, shortened. */
const lines = (text: string): string[] => text.trim().split(/\n */);

describe('an exception belongs', () => {
  test('nowhere when forwarding is open', () => {
    expect(
      exceptionPlace(
        lines(`-P FORWARD ACCEPT
      -A FORWARD -s 10.0.0.0/8 -j DROP`),
      ),
    ).toBeUndefined();
  });

  test('at the end of a chain whose policy drops, after what it says itself', () => {
    expect(
      exceptionPlace(
        lines(`-P FORWARD DROP
      -A FORWARD -s 10.0.0.0/8 -j DROP
      -A FORWARD -j ufw-before-forward`),
      ),
    ).toEqual({ chain: 'FORWARD', index: 2 });
  });

  test('before the rule that rejects the rest', () => {
    expect(
      exceptionPlace(
        lines(`-P FORWARD ACCEPT
      -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A FORWARD -j REJECT --reject-with icmp-host-prohibited`),
      ),
    ).toEqual({ chain: 'FORWARD', index: 1 });
  });

  test('before the jump to a chain that does so, as ufw has it', () => {
    expect(
      exceptionPlace(
        lines(`-P FORWARD ACCEPT
      -N ufw-before-forward
      -N ufw-reject-forward
      -A FORWARD -j ufw-before-forward
      -A FORWARD -j ufw-reject-forward
      -A ufw-before-forward -s 192.0.2.7/32 -j DROP
      -A ufw-reject-forward -j REJECT --reject-with icmp-port-unreachable`),
      ),
    ).toEqual({ chain: 'FORWARD', index: 1 });
  });

  test('in DOCKER-USER before its return, after the rules that the administrator has put there', () => {
    expect(
      exceptionPlace(
        lines(`-P FORWARD DROP
      -N DOCKER-USER
      -A FORWARD -j DOCKER-USER
      -A FORWARD -j DOCKER-FORWARD
      -A DOCKER-USER -i eth0 -s 203.0.113.0/24 -j DROP
      -A DOCKER-USER -j RETURN`),
      ),
    ).toEqual({ chain: 'DOCKER-USER', index: 1 });
  });

  test('at the end of a DOCKER-USER without a return, which newer ones have', () => {
    expect(
      exceptionPlace(
        lines(`-P FORWARD DROP
      -A FORWARD -j DOCKER-USER
      -A FORWARD -j DOCKER-FORWARD`),
      ),
    ).toEqual({ chain: 'DOCKER-USER', index: 0 });
  });

  test('not in a DOCKER-USER that nothing leads to any more', () => {
    expect(
      exceptionPlace(
        lines(`-P FORWARD DROP
      -N DOCKER-USER
      -A DOCKER-USER -j RETURN`),
      ),
    ).toEqual({ chain: 'FORWARD', index: 0 });
  });
});

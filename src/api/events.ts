export type EventType = 'container' | 'image' | 'network' | 'volume' | 'builder' | 'daemon';

export interface EngineEvent {
  Type: EventType;
  /** `start`, `die`, `health_status: healthy`, … */
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: 'local';
  /** Unix seconds. */
  time: number;
  /** Unix nanoseconds: beyond 2^53, so only its first 16 digits are exact when read as a number. */
  timeNano: number;
}

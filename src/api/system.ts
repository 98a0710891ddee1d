export interface VersionResponse {
  Platform: { Name: string };
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  GitCommit: string;
  GoVersion: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  BuildTime: string;
  Experimental?: boolean;
  Components: { Name: string; Version: string; Details: Record<string, string> }[];
}

/** The members of `/info` this project reads itself; the server answers many more. */
export interface InfoResponse {
  ID: string;
  Name: string;
  ServerVersion: string;
  Driver: string;
  OSType: string;
  Architecture: string;
  NCPU: number;
  MemTotal: number;
  DockerRootDir: string;
  CgroupDriver: string;
  CgroupVersion: string;
  SecurityOptions: string[];
  Labels: string[];
  Swarm: { LocalNodeState: string; [member: string]: unknown };
  [member: string]: unknown;
}

export interface PingInfo {
  /** Highest API version of the engine, `1.47`. */
  apiVersion: string;
  osType: string;
  builderVersion: string;
}

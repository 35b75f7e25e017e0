/** Where a plugin is. */
export interface PluginPlace {
  /** Absolute. */
  installation: string;
  /** The file of the plugin, relative to the installation, with forward slashes. */
  entry: string;
  name: string;
}
